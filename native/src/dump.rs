// SPDX-License-Identifier: Apache-2.0
//! The state as bytes. Layout of version 1, numbers big-endian:
//!
//! `PLIMSOLL-EVM` `u16 version` `u64 chain id` `u8 spec` `u64 gas cap, 0 for none` `u64 accounts`,
//! for each account by address: `20 address` `u64 nonce` `32 balance` `u32 length` code `u64 slots`,
//! and for each slot by key `32 key` `32 value`; at the end `32 state hash`.

use std::num::NonZeroU64;

use revm::bytecode::Bytecode;
use revm::primitives::{hardfork::SpecId, Address, Bytes, B256, U256};

use crate::execution::Config;
use crate::state::State;

const MAGIC: &[u8; 14] = b"PLIMSOLL-EVM\x00\x01";

pub fn dump(state: &State, config: &Config) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(config.chain_id.to_be_bytes());
    out.push(config.spec as u8);
    out.extend(config.tx_gas_limit_cap.map_or(0, NonZeroU64::get).to_be_bytes());
    let accounts = state.sorted_accounts();
    out.extend((accounts.len() as u64).to_be_bytes());
    for account in accounts {
        let code = account.info.code.as_ref().map_or(&[][..], Bytecode::original_byte_slice);
        out.extend(account.address.as_slice());
        out.extend(account.info.nonce.to_be_bytes());
        out.extend(account.info.balance.to_be_bytes::<32>());
        out.extend((code.len() as u32).to_be_bytes());
        out.extend(code);
        let slots = account.sorted_slots();
        out.extend((slots.len() as u64).to_be_bytes());
        for (key, value) in slots {
            out.extend(key.to_be_bytes::<32>());
            out.extend(value.to_be_bytes::<32>());
        }
    }
    out.extend(state.hash_from_scratch());
    out
}

pub fn load(mut input: &[u8]) -> Result<(State, Config), String> {
    let input = &mut input;
    if &array(input)? != MAGIC {
        return Err("not a dump of this EVM in version 1".into());
    }
    let chain_id = number(input)?;
    let [spec] = array(input)?;
    let spec = SpecId::try_from_u8(spec).ok_or("unknown hard fork")?;
    let config = Config { chain_id, spec, tx_gas_limit_cap: NonZeroU64::new(number(input)?) };
    let mut state = State::default();
    for _ in 0..number(input)? {
        let address = Address::from(array(input)?);
        let nonce = number(input)?;
        let balance = word(input)?;
        let length = u32::from_be_bytes(array(input)?) as usize;
        let code = Bytecode::new_raw_checked(Bytes::copy_from_slice(take(input, length)?));
        state.set_code(address, code.map_err(|error| error.to_string())?);
        state.update_info(address, |info| (info.nonce, info.balance) = (nonce, balance));
        for _ in 0..number(input)? {
            let key = word(input)?;
            state.set_slot(address, key, word(input)?);
        }
    }
    if state.hash() != B256::from(array(input)?) || !input.is_empty() {
        return Err("the state hash does not match the content".into());
    }
    Ok((state, config))
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let (taken, rest) = input.split_at_checked(length).ok_or("cut short")?;
    *input = rest;
    Ok(taken)
}

fn array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], String> {
    Ok(take(input, N)?.try_into().expect("taken by its length"))
}

fn number(input: &mut &[u8]) -> Result<u64, String> {
    array(input).map(u64::from_be_bytes)
}

fn word(input: &mut &[u8]) -> Result<U256, String> {
    array::<32>(input).map(U256::from_be_bytes)
}

// SPDX-License-Identifier: Apache-2.0
//! The state as bytes. Layout of version 1, numbers big-endian:
//!
//! `PLIMSOLL-EVM` `u16 version` `u64 chain id` `u8 spec` `u64 gas cap, 0 for none`
//! `u64 accounts` and for each, by address: `20 address` `u64 nonce` `32 balance` `u32 length` code
//! `u64 slots` and for each, by key: `32 key` `32 value`;
//! `u64 block hashes` and for each, by number: `u64 number` `32 hash`; `32 state hash`.

use revm::bytecode::Bytecode;
use revm::primitives::{hardfork::SpecId, Address, Bytes, B256, U256};

use crate::execution::Config;
use crate::state::State;

const MAGIC: &[u8; 12] = b"PLIMSOLL-EVM";
const VERSION: u16 = 1;

pub fn dump(state: &State, config: &Config) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&config.chain_id.to_be_bytes());
    out.push(config.spec as u8);
    out.extend_from_slice(&config.tx_gas_limit_cap.unwrap_or(0).to_be_bytes());
    let accounts = state.sorted_accounts();
    out.extend_from_slice(&(accounts.len() as u64).to_be_bytes());
    for account in accounts {
        let code = account.info.code.as_ref().map(Bytecode::original_bytes).unwrap_or_default();
        out.extend_from_slice(account.address.as_slice());
        out.extend_from_slice(&account.info.nonce.to_be_bytes());
        out.extend_from_slice(&account.info.balance.to_be_bytes::<32>());
        out.extend_from_slice(&(code.len() as u32).to_be_bytes());
        out.extend_from_slice(&code);
        let mut slots: Vec<_> = account.storage.iter().collect();
        slots.sort_unstable();
        out.extend_from_slice(&(slots.len() as u64).to_be_bytes());
        for (key, value) in slots {
            out.extend_from_slice(&key.to_be_bytes::<32>());
            out.extend_from_slice(&value.to_be_bytes::<32>());
        }
    }
    out.extend_from_slice(&(state.block_hashes().len() as u64).to_be_bytes());
    for (number, hash) in state.block_hashes() {
        out.extend_from_slice(&number.to_be_bytes());
        out.extend_from_slice(hash.as_slice());
    }
    out.extend_from_slice(state.hash_from_scratch().as_slice());
    out
}

pub fn load(bytes: &[u8]) -> Result<(State, Config), String> {
    let mut input = Input { bytes, at: 0 };
    if input.take(MAGIC.len())? != MAGIC {
        return Err("not a dump of this EVM".into());
    }
    let version = u16::from_be_bytes(input.array()?);
    if version != VERSION {
        return Err(format!("version {version} is unknown, expected {VERSION}"));
    }
    let chain_id = input.number()?;
    let spec = SpecId::try_from_u8(input.take(1)?[0]).ok_or("unknown hard fork")?;
    let cap = input.number()?;
    let config = Config { chain_id, spec, tx_gas_limit_cap: (cap != 0).then_some(cap) };
    let mut state = State::default();
    for _ in 0..input.number()? {
        let address = Address::from(input.array::<20>()?);
        let nonce = input.number()?;
        let balance = input.word()?;
        let length = u32::from_be_bytes(input.array()?) as usize;
        let code = Bytes::copy_from_slice(input.take(length)?);
        let code = Bytecode::new_raw_checked(code).map_err(|error| error.to_string())?;
        state.set_code(address, code);
        state.update_info(address, |info| {
            info.nonce = nonce;
            info.balance = balance;
        });
        for _ in 0..input.number()? {
            let key = input.word()?;
            let value = input.word()?;
            state.set_slot(address, key, value);
        }
    }
    for _ in 0..input.number()? {
        let number = input.number()?;
        state.set_block_hash(number, B256::from(input.array::<32>()?));
    }
    if state.hash() != B256::from(input.array::<32>()?) || input.at != bytes.len() {
        return Err("the state hash does not match the content".into());
    }
    Ok((state, config))
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("cut short at byte {}", self.bytes.len()))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("taken by its length"))
    }

    fn number(&mut self) -> Result<u64, String> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    fn word(&mut self) -> Result<U256, String> {
        Ok(U256::from_be_bytes(self.array::<32>()?))
    }
}

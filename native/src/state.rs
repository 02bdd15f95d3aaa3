// SPDX-License-Identifier: Apache-2.0
//! The world state: flat maps, an undo log for snapshots, and an incremental state hash.

use std::convert::Infallible;
use std::sync::Arc;

use revm::bytecode::Bytecode;
use revm::database_interface::Database;
use revm::primitives::{address, keccak256, Address, AddressMap, StorageKeyMap, B256, KECCAK_EMPTY, U256};
use revm::state::{AccountId, AccountInfo, EvmState};

/// Block hashes live where EIP-2935 keeps them, as storage by number, so that snapshots, dumps and
/// the state hash hold them like any other slot.
const BLOCK_HASHES: Address = address!("0x0000F90827F1C53a10cb7A02335B175320002935");

/// Changes kept unhashed before they are folded in without being asked, so that the log of a run
/// that never asks for a hash stays bounded.
const MAX_PENDING: usize = 1 << 16;

#[derive(Clone)]
pub struct Account {
    pub address: Address,
    pub info: AccountInfo,
    pub storage: Arc<StorageKeyMap<U256>>,
}

impl Account {
    pub fn sorted_slots(&self) -> Vec<(&U256, &U256)> {
        let mut slots: Vec<_> = self.storage.iter().collect();
        slots.sort_unstable();
        slots
    }
}

enum Change {
    Slot { id: usize, key: U256, old: U256, new: U256 },
    Info { id: usize, old: Box<AccountInfo>, new: Box<AccountInfo> },
}

/// One storage slot after a block, as reported to Python.
pub type SlotValue = (Address, U256, U256);

#[derive(Default)]
pub struct State {
    accounts: Vec<Account>,
    index: AddressMap<usize>,
    log: Vec<Change>,
    /// Open snapshots: identifier and length of the log.
    marks: Vec<(u64, usize)>,
    last_mark: u64,
    digest: U256,
    /// How many changes of the log `digest` holds.
    digested: usize,
}

impl State {
    pub fn get(&self, address: &Address) -> Option<&Account> {
        self.index.get(address).map(|&id| &self.accounts[id])
    }

    pub fn slot(&self, address: &Address, key: &U256) -> U256 {
        self.get(address).and_then(|account| account.storage.get(key)).copied().unwrap_or_default()
    }

    /// Place of an account, which it keeps for ever.
    pub fn place(&self, address: &Address) -> Option<usize> {
        self.index.get(address).copied()
    }

    pub fn slot_of(&self, place: usize, key: &U256) -> U256 {
        self.accounts[place].storage.get(key).copied().unwrap_or_default()
    }

    pub fn block_hash(&self, number: u64) -> B256 {
        let number = U256::from(number);
        match self.slot(&BLOCK_HASHES, &number) {
            U256::ZERO => keccak256(number.to_be_bytes::<32>()),
            hash => hash.into(),
        }
    }

    pub fn set_block_hash(&mut self, number: u64, hash: B256) {
        self.set_slot(BLOCK_HASHES, U256::from(number), hash.into());
    }

    /// Accounts that hold anything, by address.
    pub fn sorted_accounts(&self) -> Vec<&Account> {
        let accounts = self.accounts.iter();
        let mut held: Vec<_> = accounts.filter(|a| !a.info.is_empty() || !a.storage.is_empty()).collect();
        held.sort_unstable_by_key(|account| account.address);
        held
    }

    fn id_of(&mut self, address: Address) -> usize {
        if let Some(&id) = self.index.get(&address) {
            return id;
        }
        let id = self.accounts.len();
        let info = AccountInfo { account_id: AccountId::new(id), ..AccountInfo::default() };
        self.accounts.push(Account { address, info, storage: Arc::default() });
        self.index.insert(address, id);
        id
    }

    pub fn set_slot(&mut self, address: Address, key: U256, value: U256) {
        let id = self.id_of(address);
        self.write_slot(id, key, value);
        self.trim();
    }

    pub fn update_info(&mut self, address: Address, update: impl FnOnce(&mut AccountInfo)) {
        let id = self.id_of(address);
        let mut info = self.accounts[id].info.clone();
        update(&mut info);
        self.write_info(id, info);
        self.trim();
    }

    pub fn set_code(&mut self, address: Address, code: Bytecode) {
        self.update_info(address, |info| {
            info.code_hash = if code.is_empty() { KECCAK_EMPTY } else { code.hash_slow() };
            info.code = Some(code);
        });
    }

    fn write_slot(&mut self, id: usize, key: U256, new: U256) -> bool {
        let storage = &mut self.accounts[id].storage;
        let old = storage.get(&key).copied().unwrap_or_default();
        if old == new {
            return false;
        }
        put(Arc::make_mut(storage), key, new);
        self.log.push(Change::Slot { id, key, old, new });
        true
    }

    fn write_info(&mut self, id: usize, mut info: AccountInfo) {
        info.account_id = AccountId::new(id);
        let present = &mut self.accounts[id].info;
        if *present != info {
            let old = std::mem::replace(present, info.clone());
            self.log.push(Change::Info { id, old: Box::new(old), new: Box::new(info) });
        }
    }

    /// Takes over what an execution changed and returns the number of slots whose value differs
    /// from before; `record` gets them.
    pub fn commit(&mut self, changes: EvmState, record: &mut Option<Vec<SlotValue>>) -> u64 {
        let mut changed = 0;
        for (address, account) in changes {
            if !account.is_touched() {
                continue;
            }
            let id = self.id_of(address);
            if account.is_selfdestructed() || account.is_created() {
                let stale: Vec<U256> = self.accounts[id].storage.keys().copied().collect();
                stale.into_iter().for_each(|key| _ = self.write_slot(id, key, U256::ZERO));
            }
            if account.is_selfdestructed() {
                self.write_info(id, AccountInfo::default());
                continue;
            }
            self.write_info(id, account.info);
            for (key, slot) in account.storage {
                if self.write_slot(id, key, slot.present_value) {
                    changed += 1;
                    record.iter_mut().for_each(|record| record.push((address, key, slot.present_value)));
                }
            }
        }
        self.trim();
        changed
    }

    /// Opens a snapshot; it stays open until an earlier one is reverted to.
    pub fn snapshot(&mut self) -> u64 {
        self.last_mark += 1;
        self.marks.push((self.last_mark, self.log.len()));
        self.last_mark
    }

    /// Undoes everything since the snapshot `id`, which stays open; later ones are dropped.
    pub fn revert(&mut self, id: u64) -> Option<()> {
        let place = self.marks.iter().position(|mark| mark.0 == id)?;
        self.marks.truncate(place + 1);
        while self.log.len() > self.marks[place].1 {
            let change = self.log.pop()?;
            if self.log.len() < self.digested {
                self.digest = self.digest.wrapping_sub(self.term(&change));
                self.digested -= 1;
            }
            match change {
                Change::Slot { id, key, old, .. } => put(Arc::make_mut(&mut self.accounts[id].storage), key, old),
                Change::Info { id, old, .. } => self.accounts[id].info = *old,
            }
        }
        Some(())
    }

    fn trim(&mut self) {
        if self.log.len() - self.digested > MAX_PENDING {
            self.fold();
        }
        if self.marks.is_empty() && self.digested == self.log.len() {
            self.log.clear();
            self.digested = 0;
        }
    }

    /// What a change adds to the digest.
    fn term(&self, change: &Change) -> U256 {
        let address = |id: usize| &self.accounts[id].address;
        match change {
            Change::Slot { id, key, old, new } => {
                slot_term(address(*id), key, new).wrapping_sub(slot_term(address(*id), key, old))
            }
            Change::Info { id, old, new } => info_term(address(*id), new).wrapping_sub(info_term(address(*id), old)),
        }
    }

    fn fold(&mut self) {
        let pending = self.log[self.digested..].iter().map(|change| self.term(change));
        self.digest = pending.fold(self.digest, U256::wrapping_add);
        self.digested = self.log.len();
    }

    /// The multiset hash of the state, brought up to date with the changes since the last call.
    ///
    /// It is keccak256 of the sum mod 2^256 of one keccak256 term for each non-zero slot and each
    /// non-empty account. A sum does not depend on order, so neither does the hash. Two states that
    /// differ by accident collide with probability 2^-256. Someone free to choose the terms could
    /// search for a collision by the generalised birthday method: the hash proves that two runs
    /// agree and is no commitment against an adversary.
    pub fn hash(&mut self) -> B256 {
        self.fold();
        self.trim();
        keccak256(self.digest.to_be_bytes::<32>())
    }

    /// The same hash from the whole state.
    pub fn hash_from_scratch(&self) -> B256 {
        let mut sum = U256::ZERO;
        for account in &self.accounts {
            sum = sum.wrapping_add(info_term(&account.address, &account.info));
            for (key, value) in account.storage.iter() {
                sum = sum.wrapping_add(slot_term(&account.address, key, value));
            }
        }
        keccak256(sum.to_be_bytes::<32>())
    }

    /// An independent copy without the snapshots. Storage is shared until either side writes.
    pub fn replica(&mut self) -> Self {
        self.fold();
        Self { accounts: self.accounts.clone(), index: self.index.clone(), digest: self.digest, ..Self::default() }
    }
}

fn put(storage: &mut StorageKeyMap<U256>, key: U256, value: U256) {
    if value.is_zero() {
        storage.remove(&key);
    } else {
        storage.insert(key, value);
    }
}

fn slot_term(address: &Address, key: &U256, value: &U256) -> U256 {
    if value.is_zero() {
        return U256::ZERO;
    }
    let mut entry = [b's'; 85];
    entry[1..21].copy_from_slice(address.as_slice());
    entry[21..53].copy_from_slice(&key.to_be_bytes::<32>());
    entry[53..85].copy_from_slice(&value.to_be_bytes::<32>());
    keccak256(entry).into()
}

fn info_term(address: &Address, info: &AccountInfo) -> U256 {
    if info.is_empty() {
        return U256::ZERO;
    }
    let mut entry = [b'a'; 93];
    entry[1..21].copy_from_slice(address.as_slice());
    entry[21..29].copy_from_slice(&info.nonce.to_be_bytes());
    entry[29..61].copy_from_slice(&info.balance.to_be_bytes::<32>());
    entry[61..93].copy_from_slice(info.code_hash.as_slice());
    keccak256(entry).into()
}

/// Read access for one execution; its changes are committed only when it has ended.
#[derive(Clone, Copy)]
pub struct Reader<'a>(pub &'a State);

impl Database for Reader<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.0.get(&address).map(|account| account.info.clone()))
    }

    fn code_by_hash(&mut self, _hash: B256) -> Result<Bytecode, Infallible> {
        unreachable!("code travels with its account")
    }

    fn storage(&mut self, address: Address, key: U256) -> Result<U256, Infallible> {
        Ok(self.0.slot(&address, &key))
    }

    fn storage_by_account_id(&mut self, _: Address, id: AccountId, key: U256) -> Result<U256, Infallible> {
        Ok(self.0.slot_of(id.get(), &key))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(self.0.block_hash(number))
    }
}

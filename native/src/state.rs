// SPDX-License-Identifier: Apache-2.0
//! The world state: flat maps, an undo log for snapshots, and an incremental state hash.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use revm::bytecode::Bytecode;
use revm::database_interface::Database;
use revm::primitives::{keccak256, Address, AddressMap, StorageKeyMap, B256, KECCAK_EMPTY, U256};
use revm::state::{AccountId, AccountInfo, EvmState};

/// Unhashed changes kept before they are folded in without being asked, so that the log of a run
/// that never asks for a hash stays bounded.
const MAX_PENDING: usize = 1 << 16;

pub struct Account {
    pub address: Address,
    pub info: AccountInfo,
    pub storage: Arc<StorageKeyMap<U256>>,
}

enum Change {
    Slot { id: u32, key: U256, old: U256, new: U256 },
    Info { id: u32, old: Box<AccountInfo>, new: Box<AccountInfo> },
    BlockHash { number: u64, old: Option<B256> },
}

struct Mark {
    id: u64,
    length: usize,
}

/// One storage slot after a block, as reported to Python.
pub type SlotValue = (Address, U256, U256);

#[derive(Default)]
pub struct State {
    accounts: Vec<Account>,
    index: AddressMap<u32>,
    block_hashes: BTreeMap<u64, B256>,
    log: Vec<Change>,
    marks: Vec<Mark>,
    next_mark: u64,
    digest: U256,
    digested: usize,
}

impl State {
    pub fn get(&self, address: &Address) -> Option<&Account> {
        self.index.get(address).map(|&id| &self.accounts[id as usize])
    }

    pub fn slot(&self, address: &Address, key: &U256) -> U256 {
        self.get(address).and_then(|account| account.storage.get(key)).copied().unwrap_or_default()
    }

    pub fn block_hash(&self, number: u64) -> B256 {
        let set = self.block_hashes.get(&number).copied();
        set.unwrap_or_else(|| keccak256(U256::from(number).to_be_bytes::<32>()))
    }

    /// Accounts that hold anything, by address.
    pub fn sorted_accounts(&self) -> Vec<&Account> {
        let mut accounts: Vec<&Account> =
            self.accounts.iter().filter(|a| !a.info.is_empty() || !a.storage.is_empty()).collect();
        accounts.sort_unstable_by_key(|account| account.address);
        accounts
    }

    pub fn block_hashes(&self) -> &BTreeMap<u64, B256> {
        &self.block_hashes
    }

    fn id_of(&mut self, address: Address) -> u32 {
        if let Some(&id) = self.index.get(&address) {
            return id;
        }
        let id = self.accounts.len() as u32;
        let info = AccountInfo { account_id: AccountId::new(id as usize), ..Default::default() };
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
        let mut info = self.accounts[id as usize].info.clone();
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

    pub fn set_block_hash(&mut self, number: u64, hash: B256) {
        let old = self.block_hashes.insert(number, hash);
        self.digest = self
            .digest
            .wrapping_sub(block_hash_term(number, old))
            .wrapping_add(block_hash_term(number, Some(hash)));
        self.log.push(Change::BlockHash { number, old });
        self.trim();
    }

    fn write_slot(&mut self, id: u32, key: U256, new: U256) -> bool {
        let storage = &mut self.accounts[id as usize].storage;
        let old = storage.get(&key).copied().unwrap_or_default();
        if old == new {
            return false;
        }
        put(Arc::make_mut(storage), key, new);
        self.log.push(Change::Slot { id, key, old, new });
        true
    }

    fn write_info(&mut self, id: u32, mut info: AccountInfo) {
        info.account_id = AccountId::new(id as usize);
        let account = &mut self.accounts[id as usize];
        if account.info == info {
            return;
        }
        let old = std::mem::replace(&mut account.info, info.clone());
        self.log.push(Change::Info { id, old: Box::new(old), new: Box::new(info) });
    }

    /// Takes over what a block changed. Returns the number of slots whose value differs from
    /// before, and adds them to `record` when it is given.
    pub fn commit(&mut self, changes: EvmState, mut record: Option<&mut Vec<SlotValue>>) -> u64 {
        let mut changed = 0;
        for (address, account) in changes {
            if !account.is_touched() {
                continue;
            }
            let id = self.id_of(address);
            let destroyed = account.is_selfdestructed();
            if destroyed || account.is_created() {
                let stale: Vec<U256> = self.accounts[id as usize].storage.keys().copied().collect();
                for key in stale {
                    self.write_slot(id, key, U256::ZERO);
                }
            }
            if destroyed {
                self.write_info(id, AccountInfo::default());
                continue;
            }
            self.write_info(id, account.info);
            for (key, slot) in account.storage {
                if self.write_slot(id, key, slot.present_value) {
                    changed += 1;
                    if let Some(record) = record.as_deref_mut() {
                        record.push((address, key, slot.present_value));
                    }
                }
            }
        }
        self.trim();
        changed
    }

    /// Opens a snapshot; it stays open until an earlier one is reverted to or it is released.
    pub fn snapshot(&mut self) -> u64 {
        self.next_mark += 1;
        self.marks.push(Mark { id: self.next_mark, length: self.log.len() });
        self.next_mark
    }

    /// Undoes everything since the snapshot `id`, which stays open; later ones are dropped.
    pub fn revert(&mut self, id: u64) -> bool {
        let Some(position) = self.marks.iter().position(|mark| mark.id == id) else {
            return false;
        };
        self.marks.truncate(position + 1);
        let length = self.marks[position].length;
        while self.log.len() > length {
            let change = self.log.pop().expect("longer than its mark");
            let digested = self.log.len() < self.digested;
            if digested {
                let (old, new) = self.terms(&change);
                self.digest = self.digest.wrapping_add(old).wrapping_sub(new);
            }
            self.undo(change);
        }
        self.digested = self.digested.min(self.log.len());
        true
    }

    /// Forgets the snapshot `id` and later ones without undoing anything.
    pub fn release(&mut self, id: u64) -> bool {
        let Some(position) = self.marks.iter().position(|mark| mark.id == id) else {
            return false;
        };
        self.marks.truncate(position);
        self.trim();
        true
    }

    fn undo(&mut self, change: Change) {
        match change {
            Change::Slot { id, key, old, .. } => {
                put(Arc::make_mut(&mut self.accounts[id as usize].storage), key, old);
            }
            Change::Info { id, old, .. } => self.accounts[id as usize].info = *old,
            Change::BlockHash { number, old } => {
                let new = match old {
                    Some(hash) => self.block_hashes.insert(number, hash),
                    None => self.block_hashes.remove(&number),
                };
                self.digest = self
                    .digest
                    .wrapping_add(block_hash_term(number, old))
                    .wrapping_sub(block_hash_term(number, new));
            }
        }
    }

    fn trim(&mut self) {
        if self.log.len() - self.digested > MAX_PENDING {
            self.digest();
        }
        if self.marks.is_empty() && self.digested == self.log.len() {
            self.log.clear();
            self.digested = 0;
        }
    }

    /// The two multiset terms that a logged change swaps. Block hashes are folded in at once.
    fn terms(&self, change: &Change) -> (U256, U256) {
        match change {
            Change::Slot { id, key, old, new } => {
                let address = &self.accounts[*id as usize].address;
                (slot_term(address, key, old), slot_term(address, key, new))
            }
            Change::Info { id, old, new } => {
                let address = &self.accounts[*id as usize].address;
                (info_term(address, old), info_term(address, new))
            }
            Change::BlockHash { .. } => (U256::ZERO, U256::ZERO),
        }
    }

    fn digest(&mut self) {
        for position in self.digested..self.log.len() {
            let (old, new) = self.terms(&self.log[position]);
            self.digest = self.digest.wrapping_sub(old).wrapping_add(new);
        }
        self.digested = self.log.len();
    }

    /// The multiset hash of the state, brought up to date with the changes since the last call.
    ///
    /// It is keccak256 of the sum mod 2^256 of one keccak256 term for each non-zero slot, non-empty
    /// account and recorded block hash. A sum does not depend on order, so neither does the hash.
    /// Two states that differ by accident collide with probability 2^-256. Someone free to choose
    /// the terms could search for a collision by the generalised birthday method, so it proves
    /// that two runs agree and is no commitment against an adversary.
    pub fn hash(&mut self) -> B256 {
        self.digest();
        self.trim();
        keccak256(self.digest.to_be_bytes::<32>())
    }

    /// The same hash computed from nothing, which tests compare with [`State::hash`].
    pub fn hash_from_scratch(&self) -> B256 {
        let mut sum = U256::ZERO;
        for account in &self.accounts {
            sum = sum.wrapping_add(info_term(&account.address, &account.info));
            for (key, value) in account.storage.iter() {
                sum = sum.wrapping_add(slot_term(&account.address, key, value));
            }
        }
        for (&number, &hash) in &self.block_hashes {
            sum = sum.wrapping_add(block_hash_term(number, Some(hash)));
        }
        keccak256(sum.to_be_bytes::<32>())
    }

    /// An independent copy without the snapshots. Storage is shared until either side writes.
    pub fn replica(&mut self) -> Self {
        self.digest();
        let accounts = self.accounts.iter().map(|account| Account {
            address: account.address,
            info: account.info.clone(),
            storage: Arc::clone(&account.storage),
        });
        Self {
            accounts: accounts.collect(),
            index: self.index.clone(),
            block_hashes: self.block_hashes.clone(),
            digest: self.digest,
            ..Self::default()
        }
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
    let mut entry = [0u8; 85];
    entry[0] = b's';
    entry[1..21].copy_from_slice(address.as_slice());
    entry[21..53].copy_from_slice(&key.to_be_bytes::<32>());
    entry[53..85].copy_from_slice(&value.to_be_bytes::<32>());
    U256::from_be_bytes(keccak256(entry).0)
}

fn info_term(address: &Address, info: &AccountInfo) -> U256 {
    if info.is_empty() {
        return U256::ZERO;
    }
    let mut entry = [0u8; 93];
    entry[0] = b'a';
    entry[1..21].copy_from_slice(address.as_slice());
    entry[21..29].copy_from_slice(&info.nonce.to_be_bytes());
    entry[29..61].copy_from_slice(&info.balance.to_be_bytes::<32>());
    entry[61..93].copy_from_slice(info.code_hash.as_slice());
    U256::from_be_bytes(keccak256(entry).0)
}

fn block_hash_term(number: u64, hash: Option<B256>) -> U256 {
    let Some(hash) = hash else { return U256::ZERO };
    let mut entry = [0u8; 41];
    entry[0] = b'b';
    entry[1..9].copy_from_slice(&number.to_be_bytes());
    entry[9..41].copy_from_slice(hash.as_slice());
    U256::from_be_bytes(keccak256(entry).0)
}

/// Read access for one execution; a block's changes are committed only when it has ended.
#[derive(Clone, Copy)]
pub struct Reader<'a>(pub &'a State);

impl Database for Reader<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.0.get(&address).map(|account| account.info.clone()))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Infallible> {
        let mut accounts = self.0.accounts.iter();
        let found = accounts.find(|account| account.info.code_hash == code_hash);
        Ok(found.and_then(|account| account.info.code.clone()).unwrap_or_default())
    }

    fn storage(&mut self, address: Address, key: U256) -> Result<U256, Infallible> {
        Ok(self.0.slot(&address, &key))
    }

    fn storage_by_account_id(
        &mut self,
        _address: Address,
        account_id: AccountId,
        key: U256,
    ) -> Result<U256, Infallible> {
        let storage = &self.0.accounts[account_id.get()].storage;
        Ok(storage.get(&key).copied().unwrap_or_default())
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(self.0.block_hash(number))
    }
}

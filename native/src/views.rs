// SPDX-License-Identifier: Apache-2.0
//! Batches of views, and their answers, kept for as long as everything they have read is as it was.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::marker::PhantomData;

use revm::context::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, ResultGas};
use revm::context::{BlockEnv, CfgEnv, Context, ContextSetters, Journal, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::context_interface::{
    journaled_state::account::JournaledAccountTr, Block, ContextTr, JournalTr, LocalContextTr, Transaction,
};
use revm::database_interface::Database;
use revm::handler::{post_execution, EvmTr, FrameResult, Handler, MainnetEvm};
use revm::interpreter::InitialAndFloorGas;
use revm::primitives::{Address, B256, U256};
use revm::state::{AccountId, AccountInfo};
use revm::{ExecuteEvm, MainBuilder};

use crate::columns::{Batch, Receipts};
use crate::execution::Config;
use crate::reasons;
use crate::state::{Reader, State};

type Views<'a> = MainnetEvm<Context<Watched<'a>, TxEnv, CfgEnv, Noting<'a>, Journal<Noting<'a>>>>;
type Failure = EVMError<Infallible, InvalidTransaction>;

/// All that an execution has read.
#[derive(Default)]
struct Reads {
    /// Place of the account in the state, key and value.
    slots: Vec<(usize, U256, U256)>,
    accounts: Vec<(Address, Option<AccountInfo>)>,
}

impl Reads {
    fn hold(&self, state: &State) -> bool {
        self.slots.iter().all(|(id, key, value)| state.slot_of(*id, key) == *value)
            && self
                .accounts
                .iter()
                .all(|(address, info)| state.get(address).map(|account| &account.info) == info.as_ref())
    }
}

struct Answer {
    result: ExecutionResult,
    reads: Reads,
}

/// Answers to the rows of one batch, kept from one state to the next.
///
/// A view is a function of its call, of the state it reads and of the block it looks at. An answer is given
/// again when all it has read has the same values; one that looked at the block is never kept.
#[derive(Default)]
pub struct Kept {
    /// Its address is warm, so it decides about gas without being looked at.
    beneficiary: Address,
    answers: Vec<Option<Answer>>,
}

/// The block, and whether anyone looked at it.
struct Watched<'a> {
    block: &'a BlockEnv,
    seen: &'a Cell<bool>,
}

impl Watched<'_> {
    fn look(&self) -> &BlockEnv {
        self.seen.set(true);
        self.block
    }
}

impl Block for Watched<'_> {
    fn number(&self) -> U256 {
        self.look().number()
    }

    fn beneficiary(&self) -> Address {
        self.block.beneficiary()
    }

    fn timestamp(&self) -> U256 {
        self.look().timestamp()
    }

    fn gas_limit(&self) -> u64 {
        self.look().gas_limit()
    }

    fn basefee(&self) -> u64 {
        self.look().basefee()
    }

    fn difficulty(&self) -> U256 {
        self.look().difficulty()
    }

    fn prevrandao(&self) -> Option<B256> {
        self.look().prevrandao()
    }

    fn blob_excess_gas_and_price(&self) -> Option<BlobExcessGasAndPrice> {
        self.look().blob_excess_gas_and_price()
    }

    fn slot_num(&self) -> u64 {
        self.look().slot_num()
    }
}

/// The state, and notes of what is read in it.
struct Noting<'a> {
    state: &'a State,
    reads: &'a RefCell<Reads>,
    seen: &'a Cell<bool>,
}

impl Noting<'_> {
    fn slot(&self, place: usize, key: U256) -> U256 {
        let value = self.state.slot_of(place, &key);
        self.reads.borrow_mut().slots.push((place, key, value));
        value
    }
}

impl Database for Noting<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        let found = Reader(self.state).basic(address)?;
        let bare = found.as_ref().map(AccountInfo::copy_without_code);
        self.reads.borrow_mut().accounts.push((address, bare));
        Ok(found)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<revm::bytecode::Bytecode, Infallible> {
        Reader(self.state).code_by_hash(hash)
    }

    fn storage(&mut self, address: Address, key: U256) -> Result<U256, Infallible> {
        match self.state.place(&address) {
            Some(place) => Ok(self.slot(place, key)),
            // `basic` has noted that there is no such account, and so no storage.
            None => Ok(U256::ZERO),
        }
    }

    fn storage_by_account_id(&mut self, _: Address, id: AccountId, key: U256) -> Result<U256, Infallible> {
        Ok(self.slot(id.get(), key))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        self.seen.set(true);
        Ok(self.state.block_hash(number))
    }
}

/// Runs a call as `eth_call` does: no nonce, a gas price of 0 and so no fee; every change is discarded.
struct Viewed<'a>(PhantomData<Views<'a>>);

impl<'a> Handler for Viewed<'a> {
    type Evm = Views<'a>;
    type Error = Failure;
    type HaltReason = HaltReason;

    fn validate_env(&self, _evm: &mut Views<'a>) -> Result<(), Failure> {
        Ok(())
    }

    fn validate_against_state_and_deduct_caller(
        &self,
        evm: &mut Views<'a>,
        _gas: &mut InitialAndFloorGas,
    ) -> Result<(), Failure> {
        let (_, tx, _, journal, _, _) = evm.ctx().all_mut();
        let mut caller = journal.load_account_with_code_mut(tx.caller())?.data;
        if tx.kind().is_call() {
            caller.bump_nonce();
        }
        Ok(())
    }

    /// Nothing was paid.
    fn reimburse_caller(&self, _: &mut Views<'a>, _: &mut FrameResult) -> Result<(), Failure> {
        Ok(())
    }

    /// Nothing was paid; looking at its account would tie every answer to its balance.
    fn reward_beneficiary(&self, _: &mut Views<'a>, _: &mut FrameResult) -> Result<(), Failure> {
        Ok(())
    }

    fn execution_result(
        &mut self,
        evm: &mut Views<'a>,
        result: FrameResult,
        gas: ResultGas,
    ) -> Result<ExecutionResult, Failure> {
        let result = post_execution::output(evm.ctx(), result, gas);
        evm.ctx().journal_mut().discard_tx();
        evm.ctx().local_mut().clear();
        evm.frame_stack().clear();
        // Each view reads the state itself, or what an earlier one has loaded would not be noted.
        drop(evm.finalize());
        Ok(result)
    }
}

/// Runs every call of `batch` from the same state, or gives its kept answer: none sees another's changes or
/// warm slots.
pub fn call_many(state: &State, config: &Config, block: &BlockEnv, batch: &Batch, kept: &mut Kept) -> Receipts {
    let mut receipts = Receipts::new();
    if kept.beneficiary != block.beneficiary || kept.answers.len() != batch.rows.len() {
        kept.beneficiary = block.beneficiary;
        kept.answers.clear();
        kept.answers.resize_with(batch.rows.len(), || None);
    }
    let (reads, seen) = (RefCell::new(Reads::default()), Cell::new(false));
    let context = config.context(Noting { state, reads: &reads, seen: &seen });
    let mut evm = context.with_block(Watched { block, seen: &seen }).build_mainnet();
    for (row, answer) in batch.rows.iter().zip(&mut kept.answers) {
        if !answer.as_ref().is_some_and(|answer| answer.reads.hold(state)) {
            seen.set(false);
            let free = TxEnv { gas_price: 0, gas_priority_fee: None, ..batch.transaction(row, config.chain_id) };
            evm.ctx.set_tx(free);
            let run = Viewed(PhantomData).run(&mut evm);
            let reads = reads.take();
            *answer = None;
            match run {
                Ok(result) if seen.get() => receipts.included(&result, 0),
                Ok(result) => *answer = Some(Answer { result, reads }),
                Err(EVMError::Transaction(error)) => receipts.invalid(reasons::of_invalid(&error)),
                Err(error) => panic!("{error}"),
            }
        }
        if let Some(answer) = answer {
            receipts.included(&answer.result, 0);
        }
    }
    receipts
}

// SPDX-License-Identifier: Apache-2.0
//! Whole blocks and batches of views on one revm instance.

use std::convert::Infallible;
use std::marker::PhantomData;

use revm::context::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, ResultGas};
use revm::context::{BlockEnv, CfgEnv, Context, ContextSetters, Journal, TxEnv};
use revm::context_interface::{
    journaled_state::account::JournaledAccountTr, ContextTr, JournalTr, LocalContextTr, Transaction,
};
use revm::handler::{post_execution, EvmTr, FrameResult, Handler, MainnetContext, MainnetEvm};
use revm::primitives::hardfork::SpecId;
use revm::{ExecuteEvm, MainBuilder};

use crate::columns::{Batch, Receipts};
use crate::reasons;
use crate::state::{Reader, SlotValue, State};

type Chain<'a> = MainnetEvm<MainnetContext<Reader<'a>>>;
type Failure = EVMError<Infallible, InvalidTransaction>;

#[derive(Clone, Copy)]
pub struct Config {
    pub chain_id: u64,
    pub spec: SpecId,
    pub tx_gas_limit_cap: Option<u64>,
}

impl Config {
    fn build<'a>(&self, state: &'a State, block: &BlockEnv) -> Chain<'a> {
        let mut cfg = CfgEnv::new_with_spec(self.spec).with_chain_id(self.chain_id);
        cfg.tx_gas_limit_cap = Some(self.tx_gas_limit_cap.unwrap_or(u64::MAX));
        let context: MainnetContext<Reader<'a>> =
            Context::<BlockEnv, TxEnv, CfgEnv, _, Journal<_>, ()>::new(Reader(state), self.spec)
                .with_cfg(cfg)
                .with_block(block.clone());
        context.build_mainnet()
    }
}

/// Runs a transaction as mainnet does and notes whether it destroyed a contract.
struct Included<'a> {
    destroyed: bool,
    evm: PhantomData<Chain<'a>>,
}

impl<'a> Handler for Included<'a> {
    type Evm = Chain<'a>;
    type Error = Failure;
    type HaltReason = HaltReason;

    fn execution_result(
        &mut self,
        evm: &mut Self::Evm,
        result: FrameResult,
        gas: ResultGas,
    ) -> Result<ExecutionResult, Failure> {
        self.destroyed = !evm.ctx.journaled_state.inner.selfdestructed_addresses.is_empty();
        let result = post_execution::output(evm.ctx(), result, gas);
        evm.ctx().journal_mut().commit_tx();
        clear(evm);
        Ok(result)
    }
}

/// Runs a call as `eth_call` does: no nonce, no fee, and every change is discarded.
struct Viewed<'a>(PhantomData<Chain<'a>>);

impl<'a> Handler for Viewed<'a> {
    type Evm = Chain<'a>;
    type Error = Failure;
    type HaltReason = HaltReason;

    fn validate_env(&self, _evm: &mut Self::Evm) -> Result<(), Failure> {
        Ok(())
    }

    fn validate_against_state_and_deduct_caller(
        &self,
        evm: &mut Self::Evm,
        _gas: &mut revm::interpreter::InitialAndFloorGas,
    ) -> Result<(), Failure> {
        let (_, tx, _, journal, _, _) = evm.ctx().all_mut();
        let mut caller = journal.load_account_with_code_mut(tx.caller())?.data;
        if tx.kind().is_call() {
            caller.bump_nonce();
        }
        Ok(())
    }

    fn reimburse_caller(&self, _: &mut Self::Evm, _: &mut FrameResult) -> Result<(), Failure> {
        Ok(())
    }

    fn reward_beneficiary(&self, _: &mut Self::Evm, _: &mut FrameResult) -> Result<(), Failure> {
        Ok(())
    }

    fn execution_result(
        &mut self,
        evm: &mut Self::Evm,
        result: FrameResult,
        gas: ResultGas,
    ) -> Result<ExecutionResult, Failure> {
        let result = post_execution::output(evm.ctx(), result, gas);
        evm.ctx().journal_mut().discard_tx();
        clear(evm);
        Ok(result)
    }
}

fn clear(evm: &mut Chain<'_>) {
    evm.ctx().local_mut().clear();
    evm.frame_stack().clear();
}

/// Executes `batch` in order and commits. A transaction that is invalid where it stands is
/// reported and changes nothing. The state is written once, after the last transaction, so a
/// panic on the way leaves it as it was.
pub fn execute_block(
    state: &mut State,
    config: &Config,
    block: &BlockEnv,
    batch: &Batch,
    record: Option<&mut Vec<SlotValue>>,
) -> Receipts {
    let mut receipts = Receipts::with_capacity(batch.len());
    let mut record = record;
    let mut next = 0;
    while next < batch.len() {
        let mut evm = config.build(state, block);
        let mut handler = Included { destroyed: false, evm: PhantomData };
        // A destroyed account may be created again by a later transaction. The journal of one
        // block cannot tell the two lives apart, so the next transaction gets a fresh journal.
        while next < batch.len() && !handler.destroyed {
            execute_one(
                &mut evm,
                &mut handler,
                block,
                batch.transaction(next, config.chain_id),
                &mut receipts,
            );
            next += 1;
        }
        let changes = evm.finalize();
        drop(evm);
        receipts.changed_slots += state.commit(changes, record.as_deref_mut());
    }
    receipts
}

fn execute_one<'a>(
    evm: &mut Chain<'a>,
    handler: &mut Included<'a>,
    block: &BlockEnv,
    tx: TxEnv,
    receipts: &mut Receipts,
) {
    if tx.gas_limit > block.gas_limit - receipts.total_gas {
        return receipts.invalid(reasons::BLOCK_GAS);
    }
    let price = tx.effective_gas_price(u128::from(block.basefee)) as u64;
    evm.ctx.set_tx(tx);
    match handler.run(evm) {
        Ok(result) => receipts.included(result, price),
        Err(EVMError::Transaction(error)) => receipts.invalid(reasons::of_invalid(&error)),
        Err(error) => panic!("{error}"),
    }
}

/// Runs every call of `batch` from the same state, on up to `threads` threads. The results do
/// not depend on the number of threads: a call sees neither another's changes nor its warm slots.
pub fn call_many(
    state: &State,
    config: &Config,
    block: &BlockEnv,
    batch: &Batch,
    threads: usize,
) -> Receipts {
    let threads = threads.clamp(1, batch.len().max(1));
    let chunk = batch.len().div_ceil(threads).max(1);
    if threads == 1 {
        return call_range(state, config, block, batch, 0..batch.len());
    }
    let starts: Vec<usize> = (0..batch.len()).step_by(chunk).collect();
    let parts: Vec<Receipts> = std::thread::scope(|scope| {
        let workers: Vec<_> = starts
            .iter()
            .map(|&start| {
                let range = start..(start + chunk).min(batch.len());
                scope.spawn(move || call_range(state, config, block, batch, range))
            })
            .collect();
        workers.into_iter().map(|w| w.join().expect("a view panicked")).collect()
    });
    parts.into_iter().reduce(Receipts::append).unwrap_or_default()
}

fn call_range(
    state: &State,
    config: &Config,
    block: &BlockEnv,
    batch: &Batch,
    range: std::ops::Range<usize>,
) -> Receipts {
    let mut receipts = Receipts::with_capacity(range.len());
    let mut evm = config.build(state, block);
    let mut handler = Viewed(PhantomData);
    for position in range {
        evm.ctx.set_tx(batch.transaction(position, config.chain_id));
        match handler.run(&mut evm) {
            Ok(result) => receipts.included(result, 0),
            Err(EVMError::Transaction(error)) => receipts.invalid(reasons::of_invalid(&error)),
            Err(error) => panic!("{error}"),
        }
    }
    receipts
}

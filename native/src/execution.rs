// SPDX-License-Identifier: Apache-2.0
//! Whole blocks, each on one revm instance.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::num::NonZeroU64;

use revm::context::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, ResultGas};
use revm::context::{BlockEnv, CfgEnv, Context, ContextSetters, TxEnv};
use revm::context_interface::{ContextTr, JournalTr, LocalContextTr, Transaction};
use revm::database_interface::Database;
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
    pub tx_gas_limit_cap: Option<NonZeroU64>,
}

impl Config {
    /// A context on `database`, its block still to be named.
    pub fn context<DB: Database>(&self, database: DB) -> MainnetContext<DB> {
        let mut cfg = CfgEnv::new_with_spec(self.spec).with_chain_id(self.chain_id);
        cfg.tx_gas_limit_cap = Some(self.tx_gas_limit_cap.map_or(u64::MAX, NonZeroU64::get));
        let context: MainnetContext<DB> = Context::new(database, self.spec);
        context.with_cfg(cfg)
    }

    fn build<'a>(&self, state: &'a State, block: &BlockEnv) -> Chain<'a> {
        self.context(Reader(state)).with_block(block.clone()).build_mainnet()
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
        evm: &mut Chain<'a>,
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

fn clear(evm: &mut Chain<'_>) {
    evm.ctx().local_mut().clear();
    evm.frame_stack().clear();
}

/// Executes `batch` in order and commits; `record` gets the slots that changed. A transaction that is
/// invalid where it stands is reported and changes nothing.
pub fn execute_block(
    state: &mut State,
    config: &Config,
    block: &BlockEnv,
    batch: &Batch,
    record: &mut Option<Vec<SlotValue>>,
) -> Receipts {
    let mut receipts = Receipts::new();
    let mut next = 0;
    while next < batch.rows.len() {
        let mut evm = config.build(state, block);
        let mut handler = Included { destroyed: false, evm: PhantomData };
        // A destroyed account may live again in a later transaction. The journal of one block does not
        // tell the two lives apart, so the next transaction gets a fresh journal.
        while next < batch.rows.len() && !handler.destroyed {
            let tx = batch.transaction(&batch.rows[next], config.chain_id);
            let price = tx.effective_gas_price(u128::from(block.basefee)) as u64;
            if tx.gas_limit > block.gas_limit - receipts.total_gas {
                receipts.invalid(reasons::BLOCK_GAS);
            } else {
                run(&mut handler, &mut evm, tx, price, &mut receipts);
            }
            next += 1;
        }
        let changes = evm.finalize();
        drop(evm);
        receipts.changed_slots += state.commit(changes, record);
    }
    if let Some(slots) = record {
        // Maps are walked in an order of their own, which must not show. A slot that both halves of a
        // split block wrote is reported once, with its last value.
        slots.reverse();
        slots.sort_by_key(|slot| (slot.0, slot.1));
        slots.dedup_by_key(|slot| (slot.0, slot.1));
    }
    receipts
}

fn run<'a, H>(handler: &mut H, evm: &mut Chain<'a>, tx: TxEnv, price: u64, receipts: &mut Receipts)
where
    H: Handler<Evm = Chain<'a>, Error = Failure, HaltReason = HaltReason>,
{
    evm.ctx.set_tx(tx);
    match handler.run(evm) {
        Ok(result) => receipts.included(&result, price),
        Err(EVMError::Transaction(error)) => receipts.invalid(reasons::of_invalid(&error)),
        Err(error) => panic!("{error}"),
    }
}

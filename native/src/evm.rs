// SPDX-License-Identifier: Apache-2.0
//! The Python class: state, configuration, and the boundary that no panic crosses.

use std::num::NonZeroU64;
use std::panic::{catch_unwind, AssertUnwindSafe};

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use revm::bytecode::Bytecode;
use revm::primitives::{hardfork::SpecId, U256};

use crate::columns::Batch;
use crate::execution::{self, Config};
use crate::inputs::{self, Header, Transactions};
use crate::results::BlockResult;
use crate::state::State;
use crate::views::{self, Kept};

create_exception!(plimsoll_evm, EvmError, PyException, "Base of the errors of this module.");
create_exception!(plimsoll_evm, SnapshotError, EvmError, "The snapshot is unknown or was dropped.");
create_exception!(plimsoll_evm, DumpError, EvmError, "The bytes are not a complete dump.");

const SPECS: [(&str, SpecId); 2] = [("cancun", SpecId::CANCUN), ("prague", SpecId::PRAGUE)];

type Bytes<'py> = PyResult<Bound<'py, PyBytes>>;
type Pair<'py> = PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>;

/// Runs `work` without the interpreter lock and turns a panic into an exception.
fn guarded<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    py.detach(|| catch_unwind(AssertUnwindSafe(work))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map_or("the EVM panicked", String::as_str);
        EvmError::new_err(format!("internal error: {text}"))
    })
}

fn with_batch<T>(source: &Bound<'_, PyAny>, run: impl FnOnce(&Batch) -> PyResult<T>) -> PyResult<T> {
    match source.cast::<Transactions>() {
        Ok(columns) => run(&columns.get().batch),
        Err(_) => run(&inputs::rows(source)?),
    }
}

#[pyclass(module = "plimsoll_evm")]
pub struct Evm {
    state: State,
    config: Config,
    /// Answers to the packed batch of views that was asked for last.
    kept: Option<(Py<Transactions>, Kept)>,
}

impl Evm {
    fn with(state: State, config: Config) -> Self {
        Self { state, config, kept: None }
    }
}

#[pymethods]
impl Evm {
    #[new]
    #[pyo3(signature = (chain_id=1337, spec="cancun", tx_gas_limit_cap=None))]
    fn new(chain_id: u64, spec: &str, tx_gas_limit_cap: Option<NonZeroU64>) -> PyResult<Self> {
        let Some((_, spec)) = SPECS.iter().find(|known| known.0 == spec) else {
            let known = SPECS.map(|known| known.0).join(", ");
            return Err(PyValueError::new_err(format!("spec: expected one of {known}, got {spec:?}")));
        };
        Ok(Self::with(State::default(), Config { chain_id, spec: *spec, tx_gas_limit_cap }))
    }

    #[getter]
    fn chain_id(&self) -> u64 {
        self.config.chain_id
    }

    #[pyo3(signature = (header, transactions, *, changes=false))]
    fn execute_block(
        &mut self,
        py: Python<'_>,
        header: &Header,
        transactions: &Bound<'_, PyAny>,
        changes: bool,
    ) -> PyResult<BlockResult> {
        let (state, config) = (&mut self.state, &self.config);
        with_batch(transactions, |batch| {
            let mut slots = changes.then(Vec::new);
            let run = || execution::execute_block(state, config, &header.block, batch, &mut slots);
            let receipts = guarded(py, run)?;
            Ok(BlockResult::new(py, &receipts, slots))
        })
    }

    fn call_many(&mut self, py: Python<'_>, header: &Header, calls: &Bound<'_, PyAny>) -> PyResult<BlockResult> {
        let mut unnamed = Kept::default();
        let kept = match calls.cast::<Transactions>() {
            Ok(packed) => {
                if !self.kept.as_ref().is_some_and(|(batch, _)| batch.is(packed)) {
                    self.kept = Some((packed.clone().unbind(), Kept::default()));
                }
                self.kept.as_mut().map_or(&mut unnamed, |(_, kept)| kept)
            }
            Err(_) => &mut unnamed,
        };
        let (state, config) = (&self.state, &self.config);
        with_batch(calls, |batch| {
            let run = || views::call_many(state, config, &header.block, batch, kept);
            Ok(BlockResult::new(py, &guarded(py, run)?, None))
        })
    }

    fn balance<'py>(&self, py: Python<'py>, address: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let account = self.state.get(&inputs::address(address)?);
        inputs::to_int(py, account.map_or(U256::ZERO, |account| account.info.balance))
    }

    fn nonce(&self, address: &[u8]) -> PyResult<u64> {
        Ok(self.state.get(&inputs::address(address)?).map_or(0, |account| account.info.nonce))
    }

    fn code<'py>(&self, py: Python<'py>, address: &[u8]) -> Bytes<'py> {
        let account = self.state.get(&inputs::address(address)?);
        let code = account.and_then(|account| account.info.code.as_ref());
        Ok(PyBytes::new(py, code.map_or(&[], Bytecode::original_byte_slice)))
    }

    fn storage<'py>(&self, py: Python<'py>, address: &[u8], slot: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        inputs::to_int(py, self.state.slot(&inputs::address(address)?, &inputs::uint256(slot)?))
    }

    fn storage_many<'py>(&self, py: Python<'py>, address: &[u8], slots: &[u8]) -> Bytes<'py> {
        if !slots.len().is_multiple_of(32) {
            return Err(PyValueError::new_err("slots: expected 32 bytes for each slot"));
        }
        let address = inputs::address(address)?;
        let value = |key: &[u8]| self.state.slot(&address, &U256::from_be_slice(key)).to_be_bytes::<32>();
        Ok(PyBytes::new(py, &slots.chunks_exact(32).flat_map(value).collect::<Vec<u8>>()))
    }

    fn storage_items<'py>(&self, py: Python<'py>, address: &[u8]) -> Pair<'py> {
        let slots = self.state.get(&inputs::address(address)?).map_or(Vec::new(), |a| a.sorted_slots());
        let keys: Vec<u8> = slots.iter().flat_map(|slot| slot.0.to_be_bytes::<32>()).collect();
        let values: Vec<u8> = slots.iter().flat_map(|slot| slot.1.to_be_bytes::<32>()).collect();
        Ok((PyBytes::new(py, &keys), PyBytes::new(py, &values)))
    }

    fn addresses<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let accounts = self.state.sorted_accounts();
        PyTuple::new(py, accounts.iter().map(|account| PyBytes::new(py, account.address.as_slice())))
    }

    fn set_balance(&mut self, address: &[u8], balance: &Bound<'_, PyAny>) -> PyResult<()> {
        let (address, balance) = (inputs::address(address)?, inputs::uint256(balance)?);
        self.state.update_info(address, |info| info.balance = balance);
        Ok(())
    }

    fn set_nonce(&mut self, address: &[u8], nonce: u64) -> PyResult<()> {
        inputs::address(address).map(|address| self.state.update_info(address, |info| info.nonce = nonce))
    }

    fn set_code(&mut self, address: &[u8], code: &[u8]) -> PyResult<()> {
        let code = Bytecode::new_raw_checked(code.to_vec().into())
            .map_err(|error| PyValueError::new_err(format!("code: {error}")))?;
        inputs::address(address).map(|address| self.state.set_code(address, code))
    }

    fn set_storage(&mut self, address: &[u8], slot: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let (slot, value) = (inputs::uint256(slot)?, inputs::uint256(value)?);
        inputs::address(address).map(|address| self.state.set_slot(address, slot, value))
    }

    fn set_block_hash(&mut self, number: u64, hash: &[u8]) -> PyResult<()> {
        inputs::word(hash).map(|hash| self.state.set_block_hash(number, hash))
    }

    fn snapshot(&mut self) -> u64 {
        self.state.snapshot()
    }

    fn revert(&mut self, snapshot: u64) -> PyResult<()> {
        let unknown = || SnapshotError::new_err(format!("snapshot {snapshot} is unknown or was dropped"));
        self.state.revert(snapshot).ok_or_else(unknown)
    }

    fn copy(&mut self) -> Self {
        Self::with(self.state.replica(), self.config)
    }

    fn dump<'py>(&self, py: Python<'py>) -> Bytes<'py> {
        let bytes = guarded(py, || crate::dump::dump(&self.state, &self.config))?;
        Ok(PyBytes::new(py, &bytes))
    }

    #[staticmethod]
    fn load(py: Python<'_>, dump: &[u8]) -> PyResult<Self> {
        let (state, config) = guarded(py, || crate::dump::load(dump))?.map_err(DumpError::new_err)?;
        Ok(Self::with(state, config))
    }

    fn state_hash<'py>(&mut self, py: Python<'py>) -> Bytes<'py> {
        let state = &mut self.state;
        Ok(PyBytes::new(py, guarded(py, move || state.hash())?.as_slice()))
    }

    fn state_hash_from_scratch<'py>(&self, py: Python<'py>) -> Bytes<'py> {
        Ok(PyBytes::new(py, guarded(py, || self.state.hash_from_scratch())?.as_slice()))
    }
}

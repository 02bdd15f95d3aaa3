// SPDX-License-Identifier: Apache-2.0
//! The Python class: state, configuration, and the boundary that no panic crosses.

use std::panic::{catch_unwind, AssertUnwindSafe};

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use revm::bytecode::Bytecode;
use revm::primitives::{hardfork::SpecId, Address, Bytes, U256};

use crate::columns::Batch;
use crate::execution::{self, Config};
use crate::inputs::{self, Header, Transactions};
use crate::results::BlockResult;
use crate::snapshot;
use crate::state::State;

create_exception!(plimsoll_evm, EvmError, PyException, "Base of the errors of this module.");
create_exception!(plimsoll_evm, SnapshotError, EvmError, "The snapshot is unknown or was dropped.");
create_exception!(plimsoll_evm, DumpError, EvmError, "The bytes are not a complete dump.");

const SPECS: [(&str, SpecId); 4] = [
    ("shanghai", SpecId::SHANGHAI),
    ("cancun", SpecId::CANCUN),
    ("prague", SpecId::PRAGUE),
    ("osaka", SpecId::OSAKA),
];

/// Runs `work` without the interpreter lock and turns a panic into an exception.
fn guarded<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    py.detach(|| catch_unwind(AssertUnwindSafe(work))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
        EvmError::new_err(format!("internal error, the state is unchanged: {text}"))
    })
}

#[pyclass(module = "plimsoll_evm")]
pub struct Evm {
    state: State,
    config: Config,
}

#[pymethods]
impl Evm {
    #[new]
    #[pyo3(signature = (chain_id=1337, spec="cancun", tx_gas_limit_cap=None))]
    fn new(chain_id: u64, spec: &str, tx_gas_limit_cap: Option<u64>) -> PyResult<Self> {
        let Some((_, spec)) = SPECS.iter().find(|known| known.0 == spec) else {
            let known: Vec<&str> = SPECS.iter().map(|known| known.0).collect();
            return Err(PyValueError::new_err(format!(
                "spec: expected one of {}, got {spec:?}",
                known.join(", ")
            )));
        };
        if tx_gas_limit_cap == Some(0) {
            return Err(PyValueError::new_err("tx_gas_limit_cap: expected a positive number or None"));
        }
        Ok(Self { state: State::default(), config: Config { chain_id, spec: *spec, tx_gas_limit_cap } })
    }

    #[getter]
    fn chain_id(&self) -> u64 {
        self.config.chain_id
    }

    #[getter]
    fn spec(&self) -> &'static str {
        SPECS.iter().find(|known| known.1 == self.config.spec).map_or("unknown", |known| known.0)
    }

    #[getter]
    fn tx_gas_limit_cap(&self) -> Option<u64> {
        self.config.tx_gas_limit_cap
    }

    #[pyo3(signature = (header, transactions, *, changes=false))]
    fn execute_block(
        &mut self,
        py: Python<'_>,
        header: &Header,
        transactions: &Bound<'_, PyAny>,
        changes: bool,
    ) -> PyResult<BlockResult> {
        let columns = transactions.cast::<Transactions>().ok();
        let rows = match columns {
            Some(_) => Batch::default(),
            None => inputs::transaction_rows(transactions)?,
        };
        let batch = columns.map_or(&rows, |columns| &columns.get().batch);
        let (state, config, block) = (&mut self.state, &self.config, &header.block);
        guarded(py, move || {
            let mut slots = changes.then(Vec::new);
            let receipts = execution::execute_block(state, config, block, batch, slots.as_mut());
            BlockResult::new(receipts, slots)
        })
    }

    #[pyo3(signature = (header, calls, *, gas_limit=inputs::VIEW_GAS, threads=1))]
    fn call_many(
        &self,
        py: Python<'_>,
        header: &Header,
        calls: &Bound<'_, PyAny>,
        gas_limit: u64,
        threads: usize,
    ) -> PyResult<BlockResult> {
        let columns = calls.cast::<Transactions>().ok();
        let rows = match columns {
            Some(_) => Batch::default(),
            None => inputs::call_rows(calls, gas_limit)?,
        };
        let batch = columns.map_or(&rows, |columns| &columns.get().batch);
        let (state, config, block) = (&self.state, &self.config, &header.block);
        guarded(py, move || {
            BlockResult::new(execution::call_many(state, config, block, batch, threads), None)
        })
    }

    #[pyo3(signature = (header, to, data, *, sender=inputs::NO_ADDRESS, value=None, gas_limit=inputs::VIEW_GAS))]
    #[allow(clippy::too_many_arguments)]
    fn call<'py>(
        &self,
        py: Python<'py>,
        header: &Header,
        to: &[u8],
        data: &[u8],
        sender: &[u8],
        value: Option<&Bound<'_, PyAny>>,
        gas_limit: u64,
    ) -> PyResult<(u8, u64, Bound<'py, PyBytes>)> {
        let batch = Batch {
            senders: vec![inputs::address(sender)?],
            recipients: vec![inputs::address(to)?.into()],
            nonces: vec![0],
            values: vec![value.map_or(Ok(U256::ZERO), inputs::uint256)?],
            gas_limits: vec![gas_limit],
            max_fees: vec![0],
            priority_fees: vec![0],
            data: Bytes::copy_from_slice(data),
            offsets: vec![0, data.len()],
        };
        let (state, config, block) = (&self.state, &self.config, &header.block);
        let receipts = guarded(py, || execution::call_many(state, config, block, &batch, 1))?;
        Ok((receipts.status[0], receipts.gas_used[0], PyBytes::new(py, &receipts.output)))
    }

    fn balance<'py>(&self, py: Python<'py>, address: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let account = self.state.get(&inputs::address(address)?);
        inputs::to_int(py, &account.map(|account| account.info.balance).unwrap_or_default())
    }

    fn nonce(&self, address: &[u8]) -> PyResult<u64> {
        Ok(self.state.get(&inputs::address(address)?).map_or(0, |account| account.info.nonce))
    }

    fn code<'py>(&self, py: Python<'py>, address: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let account = self.state.get(&inputs::address(address)?);
        let code = account.and_then(|account| account.info.code.as_ref());
        Ok(PyBytes::new(py, code.map_or(&[], Bytecode::original_byte_slice)))
    }

    fn storage<'py>(
        &self,
        py: Python<'py>,
        address: &[u8],
        slot: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        inputs::to_int(py, &self.state.slot(&inputs::address(address)?, &inputs::uint256(slot)?))
    }

    fn storage_many<'py>(
        &self,
        py: Python<'py>,
        address: &[u8],
        slots: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        if slots.len() % 32 != 0 {
            return Err(PyValueError::new_err("slots: expected 32 bytes for each slot"));
        }
        let address = inputs::address(address)?;
        let keys = slots.chunks_exact(32).map(U256::from_be_slice);
        let values: Vec<u8> =
            keys.flat_map(|key| self.state.slot(&address, &key).to_be_bytes::<32>()).collect();
        Ok(PyBytes::new(py, &values))
    }

    fn storage_items<'py>(
        &self,
        py: Python<'py>,
        address: &[u8],
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let account = self.state.get(&inputs::address(address)?);
        let mut slots: Vec<_> = account.iter().flat_map(|account| account.storage.iter()).collect();
        slots.sort_unstable();
        let keys: Vec<u8> = slots.iter().flat_map(|slot| slot.0.to_be_bytes::<32>()).collect();
        let values: Vec<u8> = slots.iter().flat_map(|slot| slot.1.to_be_bytes::<32>()).collect();
        Ok((PyBytes::new(py, &keys), PyBytes::new(py, &values)))
    }

    fn addresses<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let accounts = self.state.sorted_accounts();
        PyTuple::new(py, accounts.iter().map(|account| PyBytes::new(py, account.address.as_slice())))
    }

    fn set_balance(&mut self, address: &[u8], balance: &Bound<'_, PyAny>) -> PyResult<()> {
        let balance = inputs::uint256(balance)?;
        self.state.update_info(inputs::address(address)?, |info| info.balance = balance);
        Ok(())
    }

    fn set_nonce(&mut self, address: &[u8], nonce: u64) -> PyResult<()> {
        self.state.update_info(inputs::address(address)?, |info| info.nonce = nonce);
        Ok(())
    }

    fn set_code(&mut self, address: &[u8], code: &[u8]) -> PyResult<()> {
        let address: Address = inputs::address(address)?;
        let code = Bytecode::new_raw_checked(Bytes::copy_from_slice(code))
            .map_err(|error| PyValueError::new_err(format!("code: {error}")))?;
        self.state.set_code(address, code);
        Ok(())
    }

    fn set_storage(
        &mut self,
        address: &[u8],
        slot: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (slot, value) = (inputs::uint256(slot)?, inputs::uint256(value)?);
        self.state.set_slot(inputs::address(address)?, slot, value);
        Ok(())
    }

    fn set_block_hash(&mut self, number: u64, hash: &[u8]) -> PyResult<()> {
        self.state.set_block_hash(number, inputs::word(hash)?);
        Ok(())
    }

    fn block_hash<'py>(&self, py: Python<'py>, number: u64) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.state.block_hash(number).as_slice())
    }

    fn snapshot(&mut self) -> u64 {
        self.state.snapshot()
    }

    fn revert(&mut self, snapshot: u64) -> PyResult<()> {
        known(self.state.revert(snapshot), snapshot)
    }

    fn release(&mut self, snapshot: u64) -> PyResult<()> {
        known(self.state.release(snapshot), snapshot)
    }

    fn copy(&mut self) -> Self {
        Self { state: self.state.replica(), config: self.config }
    }

    fn __copy__(&mut self) -> Self {
        self.copy()
    }

    fn __deepcopy__(&mut self, _memo: &Bound<'_, PyAny>) -> Self {
        self.copy()
    }

    fn dump<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = guarded(py, || snapshot::dump(&self.state, &self.config))?;
        Ok(PyBytes::new(py, &bytes))
    }

    #[staticmethod]
    fn load(py: Python<'_>, dump: &[u8]) -> PyResult<Self> {
        let (state, config) = guarded(py, || snapshot::load(dump))?.map_err(DumpError::new_err)?;
        Ok(Self { state, config })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Self>().getattr("load")?, (self.dump(py)?,)))
    }

    fn state_hash<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let state = &mut self.state;
        let hash = guarded(py, move || state.hash())?;
        Ok(PyBytes::new(py, hash.as_slice()))
    }

    fn state_hash_from_scratch<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let hash = guarded(py, || self.state.hash_from_scratch())?;
        Ok(PyBytes::new(py, hash.as_slice()))
    }
}

fn known(found: bool, snapshot: u64) -> PyResult<()> {
    if found {
        return Ok(());
    }
    Err(SnapshotError::new_err(format!("snapshot {snapshot} is unknown or was dropped")))
}

// SPDX-License-Identifier: Apache-2.0
//! Receipts as Python sees them: one bytes object for each column, ready for `numpy.frombuffer`.

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::columns::Receipts;
use crate::state::SlotValue;

type Column = Py<PyBytes>;

#[pyclass(frozen, get_all, module = "plimsoll_evm")]
pub struct BlockResult {
    total_gas: u64,
    changed_slots: u64,
    log_count: usize,
    status: Column,
    reason: Column,
    gas_used: Column,
    gas_price: Column,
    output: Column,
    output_offsets: Column,
    created: Column,
    log_tx: Column,
    log_address: Column,
    log_topic_count: Column,
    log_topics: Column,
    log_data: Column,
    log_data_offsets: Column,
    slots: Option<(Column, Column, Column)>,
}

impl BlockResult {
    pub fn new(py: Python<'_>, receipts: &Receipts, slots: Option<Vec<SlotValue>>) -> Self {
        let bytes = |bytes: &[u8]| PyBytes::new(py, bytes).unbind();
        // Numbers are native-endian, as NumPy's are.
        let numbers = |values: &[u64]| bytes(&values.iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<u8>>());
        let rows: Vec<u8> = receipts.log_tx.iter().flat_map(|row| row.to_ne_bytes()).collect();
        Self {
            total_gas: receipts.total_gas,
            changed_slots: receipts.changed_slots,
            log_count: receipts.log_tx.len(),
            status: bytes(&receipts.status),
            reason: bytes(&receipts.reason),
            gas_used: numbers(&receipts.gas_used),
            gas_price: numbers(&receipts.gas_price),
            output: bytes(&receipts.output),
            output_offsets: numbers(&receipts.output_offsets),
            created: bytes(&receipts.created),
            log_tx: bytes(&rows),
            log_address: bytes(&receipts.log_address),
            log_topic_count: bytes(&receipts.log_topic_count),
            log_topics: bytes(&receipts.log_topics),
            log_data: bytes(&receipts.log_data),
            log_data_offsets: numbers(&receipts.log_data_offsets),
            slots: slots.map(|slots| {
                let (mut addresses, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
                for (address, key, value) in slots {
                    addresses.extend_from_slice(address.as_slice());
                    keys.extend_from_slice(&key.to_be_bytes::<32>());
                    values.extend_from_slice(&value.to_be_bytes::<32>());
                }
                (bytes(&addresses), bytes(&keys), bytes(&values))
            }),
        }
    }
}

#[pymethods]
impl BlockResult {
    fn __len__(&self, py: Python<'_>) -> usize {
        self.status.as_bytes(py).len()
    }

    fn output_of<'py>(&self, py: Python<'py>, row: usize) -> PyResult<Bound<'py, PyBytes>> {
        let offset = |row: usize| {
            let found = self.output_offsets.as_bytes(py).get(8 * row..8 * row + 8);
            found.map(|bytes| usize::from_ne_bytes(bytes.try_into().expect("eight bytes")))
        };
        let (Some(start), Some(end)) = (offset(row), offset(row + 1)) else {
            return Err(PyIndexError::new_err(format!("no row {row} in {} rows", self.__len__(py))));
        };
        Ok(PyBytes::new(py, &self.output.as_bytes(py)[start..end]))
    }
}

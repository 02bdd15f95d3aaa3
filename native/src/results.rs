// SPDX-License-Identifier: Apache-2.0
//! Receipts as Python sees them: one bytes object for each column, ready for `numpy.frombuffer`.

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::columns::Receipts;
use crate::reasons::REASONS;
use crate::state::SlotValue;

#[pyclass(frozen, module = "plimsoll_evm")]
pub struct BlockResult {
    receipts: Receipts,
    slots: Option<Vec<SlotValue>>,
}

impl BlockResult {
    pub fn new(receipts: Receipts, mut slots: Option<Vec<SlotValue>>) -> Self {
        if let Some(slots) = slots.as_mut() {
            // Maps are walked in an order of their own; the report must not depend on it. A slot
            // written in both halves of a split block is reported once, with its last value.
            slots.reverse();
            slots.sort_by_key(|slot| (slot.0, slot.1));
            slots.dedup_by_key(|slot| (slot.0, slot.1));
        }
        Self { receipts, slots }
    }
}

/// The columns of 64-bit numbers are native-endian, as NumPy's `uint64` is.
fn bytes_of_u64<'py>(py: Python<'py>, values: &[u64]) -> Bound<'py, PyBytes> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    PyBytes::new(py, &bytes)
}

fn offsets<'py>(py: Python<'py>, ends: &[u64]) -> Bound<'py, PyBytes> {
    let bytes: Vec<u8> = std::iter::once(&0u64).chain(ends).flat_map(|end| end.to_ne_bytes()).collect();
    PyBytes::new(py, &bytes)
}

#[pymethods]
impl BlockResult {
    fn __len__(&self) -> usize {
        self.receipts.status.len()
    }

    #[getter]
    fn total_gas(&self) -> u64 {
        self.receipts.total_gas
    }

    #[getter]
    fn changed_slots(&self) -> u64 {
        self.receipts.changed_slots
    }

    #[getter]
    fn log_count(&self) -> usize {
        self.receipts.log_tx.len()
    }

    #[getter]
    fn status<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.receipts.status)
    }

    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.receipts.reason)
    }

    #[getter]
    fn gas_used<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes_of_u64(py, &self.receipts.gas_used)
    }

    #[getter]
    fn gas_price<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes_of_u64(py, &self.receipts.gas_price)
    }

    #[getter]
    fn output<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.receipts.output)
    }

    #[getter]
    fn output_offsets<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        offsets(py, &self.receipts.output_ends)
    }

    #[getter]
    fn created<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.receipts.created)
    }

    #[getter]
    fn log_tx<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes: Vec<u8> = self.receipts.log_tx.iter().flat_map(|tx| tx.to_ne_bytes()).collect();
        PyBytes::new(py, &bytes)
    }

    #[getter]
    fn log_address<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.receipts.log_address)
    }

    #[getter]
    fn log_topic_count<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.receipts.log_topic_count)
    }

    #[getter]
    fn log_topics<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.receipts.log_topics)
    }

    #[getter]
    fn log_data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.receipts.log_data)
    }

    #[getter]
    fn log_data_offsets<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        offsets(py, &self.receipts.log_data_ends)
    }

    /// `(addresses, keys, values)` of the slots that changed, by address and key, if asked for.
    #[getter]
    #[allow(clippy::type_complexity)]
    fn slots<'py>(
        &self,
        py: Python<'py>,
    ) -> Option<(Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let slots = self.slots.as_ref()?;
        let addresses: Vec<u8> = slots.iter().flat_map(|slot| slot.0.into_array()).collect();
        let keys: Vec<u8> = slots.iter().flat_map(|slot| slot.1.to_be_bytes::<32>()).collect();
        let values: Vec<u8> = slots.iter().flat_map(|slot| slot.2.to_be_bytes::<32>()).collect();
        Some((PyBytes::new(py, &addresses), PyBytes::new(py, &keys), PyBytes::new(py, &values)))
    }

    /// Return or revert data of row `row`.
    fn output_of<'py>(&self, py: Python<'py>, row: usize) -> PyResult<Bound<'py, PyBytes>> {
        let ends = &self.receipts.output_ends;
        let end = *ends.get(row).ok_or_else(|| PyIndexError::new_err("row out of range"))?;
        let start = row.checked_sub(1).map_or(0, |before| ends[before]);
        Ok(PyBytes::new(py, &self.receipts.output[start as usize..end as usize]))
    }

    /// Why row `row` was left out or halted; "none" for a success or a revert.
    fn reason_of(&self, row: usize) -> PyResult<&'static str> {
        let reason = self.receipts.reason.get(row);
        let reason = reason.ok_or_else(|| PyIndexError::new_err("row out of range"))?;
        Ok(REASONS[usize::from(*reason)])
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What Python hands over: headers, columns and rows, checked before anything runs.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt};
use revm::context::BlockEnv;
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::primitives::{Address, Bytes, TxKind, B256, U256};

use crate::columns::Batch;

/// Gas of a view when the caller names none: what a block of mainnet held for years.
pub const VIEW_GAS: u64 = 30_000_000;

pub const NO_ADDRESS: &[u8] = &[0; 20];
const NO_WORD: &[u8] = &[0; 32];

pub fn address(value: &[u8]) -> PyResult<Address> {
    Address::try_from(value)
        .map_err(|_| PyValueError::new_err(format!("address: expected 20 bytes, got {}", value.len())))
}

pub fn word(value: &[u8]) -> PyResult<B256> {
    B256::try_from(value)
        .map_err(|_| PyValueError::new_err(format!("word: expected 32 bytes, got {}", value.len())))
}

/// An unsigned 256-bit integer from a Python int. Small ones take the short way.
pub fn uint256(value: &Bound<'_, PyAny>) -> PyResult<U256> {
    if let Ok(small) = value.extract::<u64>() {
        return Ok(U256::from(small));
    }
    let bytes = value
        .call_method1("to_bytes", (32, "big"))
        .map_err(|error| PyValueError::new_err(format!("expected an integer of 0 to 2**256 - 1: {error}")))?;
    Ok(U256::from_be_slice(bytes.extract::<&[u8]>()?))
}

pub fn to_int<'py>(py: Python<'py>, value: &U256) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(small) = u64::try_from(value) {
        return Ok(PyInt::new(py, small).into_any());
    }
    py.get_type::<PyInt>().call_method1("from_bytes", (PyBytes::new(py, &value.to_be_bytes::<32>()), "big"))
}

/// The block environment of one block.
#[pyclass(frozen, module = "plimsoll_evm")]
pub struct Header {
    pub block: BlockEnv,
}

#[pymethods]
impl Header {
    #[new]
    #[pyo3(signature = (number, timestamp, coinbase=NO_ADDRESS, gas_limit=VIEW_GAS, base_fee=0, prevrandao=NO_WORD))]
    fn new(
        number: u64,
        timestamp: u64,
        coinbase: &[u8],
        gas_limit: u64,
        base_fee: u64,
        prevrandao: &[u8],
    ) -> PyResult<Self> {
        let block = BlockEnv {
            number: U256::from(number),
            timestamp: U256::from(timestamp),
            beneficiary: address(coinbase)?,
            gas_limit,
            basefee: base_fee,
            prevrandao: Some(word(prevrandao)?),
            // Blobs are not modelled: the price stays at its floor of 1 wei, as with no blob ever sent.
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 }),
            ..BlockEnv::default()
        };
        Ok(Self { block })
    }

    #[getter]
    fn number(&self) -> u64 {
        self.block.number.to()
    }

    #[getter]
    fn timestamp(&self) -> u64 {
        self.block.timestamp.to()
    }

    #[getter]
    fn coinbase(&self) -> &[u8] {
        self.block.beneficiary.as_slice()
    }

    #[getter]
    fn gas_limit(&self) -> u64 {
        self.block.gas_limit
    }

    #[getter]
    fn base_fee(&self) -> u64 {
        self.block.basefee
    }

    #[getter]
    fn prevrandao(&self) -> B256Bytes {
        B256Bytes(self.block.prevrandao.unwrap_or_default())
    }
}

pub struct B256Bytes(pub B256);

impl<'py> IntoPyObject<'py> for B256Bytes {
    type Target = PyBytes;
    type Output = Bound<'py, PyBytes>;
    type Error = std::convert::Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        Ok(PyBytes::new(py, self.0.as_slice()))
    }
}

/// Transactions in columns, copied in and checked once; it can be executed any number of times.
#[pyclass(frozen, module = "plimsoll_evm")]
pub struct Transactions {
    pub batch: Batch,
}

#[pymethods]
impl Transactions {
    #[new]
    #[pyo3(signature = (senders, recipients, data, offsets, *, creates=None, nonces=None, values=None, gas_limits=None, max_fees=None, priority_fees=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        senders: &[u8],
        recipients: &[u8],
        data: &[u8],
        offsets: PyBuffer<u64>,
        creates: Option<&[u8]>,
        nonces: Option<PyBuffer<u64>>,
        values: Option<&[u8]>,
        gas_limits: Option<PyBuffer<u64>>,
        max_fees: Option<PyBuffer<u64>>,
        priority_fees: Option<PyBuffer<u64>>,
    ) -> PyResult<Self> {
        let rows = senders.len() / 20;
        width("senders", senders, rows, 20)?;
        width("recipients", recipients, rows, 20)?;
        let offsets: Vec<usize> = offsets.to_vec(py)?.into_iter().map(|at| at as usize).collect();
        let rising = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        if offsets.len() != rows + 1 || !rising || offsets[0] != 0 || offsets[rows] != data.len() {
            return Err(PyValueError::new_err(format!(
                "offsets: expected {} rising values from 0 to len(data)",
                rows + 1
            )));
        }
        let mut recipients: Vec<TxKind> =
            recipients.chunks_exact(20).map(|to| TxKind::Call(Address::from_slice(to))).collect();
        if let Some(creates) = creates {
            width("creates", creates, rows, 1)?;
            for (kind, create) in recipients.iter_mut().zip(creates) {
                if *create != 0 {
                    *kind = TxKind::Create;
                }
            }
        }
        let values = match values {
            Some(values) => {
                width("values", values, rows, 32)?;
                values.chunks_exact(32).map(U256::from_be_slice).collect()
            }
            None => vec![U256::ZERO; rows],
        };
        let batch = Batch {
            senders: senders.chunks_exact(20).map(Address::from_slice).collect(),
            recipients,
            nonces: column(py, "nonces", nonces, rows, 0)?,
            values,
            gas_limits: column(py, "gas_limits", gas_limits, rows, VIEW_GAS)?,
            max_fees: column(py, "max_fees", max_fees, rows, 0)?,
            priority_fees: column(py, "priority_fees", priority_fees, rows, 0)?,
            data: Bytes::copy_from_slice(data),
            offsets,
        };
        Ok(Self { batch })
    }

    fn __len__(&self) -> usize {
        self.batch.len()
    }
}

fn width(name: &str, bytes: &[u8], rows: usize, width: usize) -> PyResult<()> {
    if bytes.len() == rows * width {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "{name}: expected {width} bytes for each of {rows} rows, got {}",
        bytes.len()
    )))
}

fn column(
    py: Python<'_>,
    name: &str,
    buffer: Option<PyBuffer<u64>>,
    rows: usize,
    default: u64,
) -> PyResult<Vec<u64>> {
    let Some(buffer) = buffer else { return Ok(vec![default; rows]) };
    let values = buffer.to_vec(py)?;
    if values.len() != rows {
        return Err(PyValueError::new_err(format!("{name}: expected {rows} values, got {}", values.len())));
    }
    Ok(values)
}

#[derive(FromPyObject)]
struct TransactionRow<'py>(
    Bound<'py, PyBytes>,
    Option<Bound<'py, PyBytes>>,
    u64,
    Bound<'py, PyAny>,
    u64,
    u64,
    u64,
    Bound<'py, PyBytes>,
);

#[derive(FromPyObject)]
struct CallRow<'py>(Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// A batch from rows `(sender, to, nonce, value, gas_limit, max_fee, max_priority_fee, data)`.
pub fn transaction_rows(rows: &Bound<'_, PyAny>) -> PyResult<Batch> {
    let mut batch = Batch { offsets: vec![0], ..Batch::default() };
    let mut data = Vec::new();
    for row in rows.try_iter()? {
        let TransactionRow(sender, to, nonce, value, gas_limit, max_fee, priority_fee, input) =
            row?.extract()?;
        batch.senders.push(address(sender.as_bytes())?);
        batch.recipients.push(match to {
            Some(to) => TxKind::Call(address(to.as_bytes())?),
            None => TxKind::Create,
        });
        batch.nonces.push(nonce);
        batch.values.push(uint256(&value)?);
        batch.gas_limits.push(gas_limit);
        batch.max_fees.push(max_fee);
        batch.priority_fees.push(priority_fee);
        data.extend_from_slice(input.as_bytes());
        batch.offsets.push(data.len());
    }
    batch.data = data.into();
    Ok(batch)
}

/// A batch of views from rows `(sender, to, data)`, each with `gas_limit`.
pub fn call_rows(rows: &Bound<'_, PyAny>, gas_limit: u64) -> PyResult<Batch> {
    let mut batch = Batch { offsets: vec![0], ..Batch::default() };
    let mut data = Vec::new();
    for row in rows.try_iter()? {
        let CallRow(sender, to, input) = row?.extract()?;
        batch.senders.push(address(sender.as_bytes())?);
        batch.recipients.push(TxKind::Call(address(to.as_bytes())?));
        data.extend_from_slice(input.as_bytes());
        batch.offsets.push(data.len());
    }
    let rows = batch.senders.len();
    batch.nonces = vec![0; rows];
    batch.values = vec![U256::ZERO; rows];
    batch.gas_limits = vec![gas_limit; rows];
    batch.max_fees = vec![0; rows];
    batch.priority_fees = vec![0; rows];
    batch.data = data.into();
    Ok(batch)
}

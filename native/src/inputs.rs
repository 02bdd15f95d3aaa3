// SPDX-License-Identifier: Apache-2.0
//! What Python hands over: headers, columns and rows, checked before anything runs.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt};
use revm::context::BlockEnv;
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::primitives::{Address, Bytes, TxKind, B256, U256};

use crate::columns::{Batch, Row};

pub const NO_ADDRESS: &[u8] = &[0; 20];
const NO_WORD: &[u8] = &[0; 32];
/// Gas of a block and of a view when none is named: the block limit of mainnet for years.
pub const DEFAULT_GAS: u64 = 30_000_000;

pub fn address(value: &[u8]) -> PyResult<Address> {
    let wrong = |_| PyValueError::new_err(format!("address: expected 20 bytes, got {}", value.len()));
    Address::try_from(value).map_err(wrong)
}

pub fn word(value: &[u8]) -> PyResult<B256> {
    let wrong = |_| PyValueError::new_err(format!("word: expected 32 bytes, got {}", value.len()));
    B256::try_from(value).map_err(wrong)
}

/// An unsigned 256-bit integer from a Python int; one of 64 bits takes the short way.
pub fn uint256(value: &Bound<'_, PyAny>) -> PyResult<U256> {
    if let Ok(small) = value.extract::<u64>() {
        return Ok(U256::from(small));
    }
    let bytes = value
        .call_method1("to_bytes", (32, "big"))
        .map_err(|error| PyValueError::new_err(format!("expected an integer of 0 to 2**256 - 1: {error}")))?;
    Ok(U256::from_be_slice(bytes.extract::<&[u8]>()?))
}

pub fn to_int<'py>(py: Python<'py>, value: U256) -> PyResult<Bound<'py, PyAny>> {
    let bytes = PyBytes::new(py, &value.to_be_bytes::<32>());
    py.get_type::<PyInt>().call_method1("from_bytes", (bytes, "big"))
}

/// The block environment of one block.
#[pyclass(frozen, module = "plimsoll_evm")]
pub struct Header {
    pub block: BlockEnv,
}

#[pymethods]
impl Header {
    #[new]
    #[pyo3(signature = (number, timestamp, coinbase=NO_ADDRESS, gas_limit=DEFAULT_GAS, base_fee=0, prevrandao=NO_WORD))]
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
            // Blobs are not modelled: the price stays at its floor, as if none had ever been sent.
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 }),
            ..BlockEnv::default()
        };
        Ok(Self { block })
    }
}

/// Transactions as packed records, copied in and checked once; executed any number of times.
#[pyclass(frozen, module = "plimsoll_evm")]
pub struct Transactions {
    pub batch: Batch,
}

/// Bytes of a record: sender 20, recipient 20, create 1, value 32 big-endian, then nonce, gas limit,
/// max fee, priority fee and the end of its calldata, 8 little-endian each.
const RECORD: usize = 113;

#[pymethods]
impl Transactions {
    #[new]
    fn new(records: &[u8], data: &[u8]) -> PyResult<Self> {
        let wrong = |text: &str| PyValueError::new_err(text.to_owned());
        if !records.len().is_multiple_of(RECORD) {
            return Err(wrong("records: expected 113 bytes for each transaction"));
        }
        let mut batch = Batch { rows: Vec::with_capacity(records.len() / RECORD), data: Bytes::copy_from_slice(data) };
        let mut start = 0;
        for record in records.chunks_exact(RECORD) {
            let number = |place: usize| {
                let at = 73 + 8 * place;
                u64::from_le_bytes(record[at..at + 8].try_into().expect("eight bytes"))
            };
            let end = number(4) as usize;
            if end < start || end > data.len() {
                return Err(wrong("records: expected ends of calldata that rise to at most len(data)"));
            }
            batch.rows.push(Row {
                sender: Address::from_slice(&record[..20]),
                recipient: match record[40] {
                    0 => TxKind::Call(Address::from_slice(&record[20..40])),
                    _ => TxKind::Create,
                },
                value: U256::from_be_slice(&record[41..73]),
                nonce: number(0),
                gas_limit: number(1),
                max_fee: number(2),
                priority_fee: number(3),
                data: start..end,
            });
            start = end;
        }
        Ok(Self { batch })
    }
}

type Data<'py> = Bound<'py, PyBytes>;
type Fields<'py> = (Data<'py>, Option<Data<'py>>, u64, Bound<'py, PyAny>, u64, u64, u64, Data<'py>);

/// A batch from tuples `(sender, to, nonce, value, gas_limit, max_fee, max_priority_fee, data)`.
pub fn rows(source: &Bound<'_, PyAny>) -> PyResult<Batch> {
    let (mut rows, mut bytes) = (Vec::new(), Vec::new());
    for row in source.try_iter()? {
        let (sender, to, nonce, value, gas_limit, max_fee, priority_fee, data): Fields<'_> = row?.extract()?;
        let start = bytes.len();
        bytes.extend_from_slice(data.as_bytes());
        rows.push(Row {
            sender: address(sender.as_bytes())?,
            recipient: to.map_or(Ok(TxKind::Create), |to| address(to.as_bytes()).map(TxKind::Call))?,
            nonce,
            value: uint256(&value)?,
            gas_limit,
            max_fee,
            priority_fee,
            data: start..bytes.len(),
        });
    }
    Ok(Batch { rows, data: bytes.into() })
}

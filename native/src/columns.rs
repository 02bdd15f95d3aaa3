// SPDX-License-Identifier: Apache-2.0
//! Transactions in and receipts out, as columns.

use revm::context::result::{ExecutionResult, Output};
use revm::context::TxEnv;
use revm::primitives::{Address, Bytes, Log, TxKind, U256};

use crate::reasons;

/// Transactions or calls of one batch, one vector for each field.
#[derive(Default)]
pub struct Batch {
    pub senders: Vec<Address>,
    pub recipients: Vec<TxKind>,
    pub nonces: Vec<u64>,
    pub values: Vec<U256>,
    pub gas_limits: Vec<u64>,
    pub max_fees: Vec<u64>,
    pub priority_fees: Vec<u64>,
    pub data: Bytes,
    /// Row `i` has `data[offsets[i]..offsets[i + 1]]`.
    pub offsets: Vec<usize>,
}

impl Batch {
    pub fn len(&self) -> usize {
        self.senders.len()
    }

    pub fn transaction(&self, row: usize, chain_id: u64) -> TxEnv {
        TxEnv {
            tx_type: 2,
            caller: self.senders[row],
            gas_limit: self.gas_limits[row],
            gas_price: u128::from(self.max_fees[row]),
            kind: self.recipients[row],
            value: self.values[row],
            data: self.data.slice(self.offsets[row]..self.offsets[row + 1]),
            nonce: self.nonces[row],
            chain_id: Some(chain_id),
            gas_priority_fee: Some(u128::from(self.priority_fees[row])),
            ..TxEnv::default()
        }
    }
}

/// What happened to each transaction of a batch, and the logs of all of them.
#[derive(Default)]
pub struct Receipts {
    pub total_gas: u64,
    pub changed_slots: u64,
    pub status: Vec<u8>,
    pub reason: Vec<u8>,
    pub gas_used: Vec<u64>,
    pub gas_price: Vec<u64>,
    pub output: Vec<u8>,
    pub output_ends: Vec<u64>,
    pub created: Vec<u8>,
    pub log_tx: Vec<u32>,
    pub log_address: Vec<u8>,
    pub log_topic_count: Vec<u8>,
    pub log_topics: Vec<u8>,
    pub log_data: Vec<u8>,
    pub log_data_ends: Vec<u64>,
}

impl Receipts {
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            status: Vec::with_capacity(rows),
            reason: Vec::with_capacity(rows),
            gas_used: Vec::with_capacity(rows),
            gas_price: Vec::with_capacity(rows),
            output_ends: Vec::with_capacity(rows),
            created: Vec::with_capacity(rows * 20),
            log_tx: Vec::with_capacity(rows),
            log_address: Vec::with_capacity(rows * 20),
            log_topic_count: Vec::with_capacity(rows),
            log_topics: Vec::with_capacity(rows * 128),
            log_data: Vec::with_capacity(rows * 64),
            log_data_ends: Vec::with_capacity(rows),
            ..Self::default()
        }
    }

    pub fn invalid(&mut self, reason: u8) {
        self.row(reasons::INVALID, reason, 0, 0, &[], None);
    }

    pub fn included(&mut self, result: ExecutionResult, price: u64) {
        let gas = result.tx_gas_used();
        self.total_gas += gas;
        match result {
            ExecutionResult::Success { output: Output::Call(data), logs, .. } => {
                self.logs(&logs);
                self.row(reasons::SUCCESS, reasons::NONE, gas, price, &data, None);
            }
            ExecutionResult::Success { output: Output::Create(_, address), logs, .. } => {
                self.logs(&logs);
                self.row(reasons::SUCCESS, reasons::NONE, gas, price, &[], address);
            }
            ExecutionResult::Revert { output, .. } => {
                self.row(reasons::REVERT, reasons::NONE, gas, price, &output, None);
            }
            ExecutionResult::Halt { reason, .. } => {
                self.row(reasons::HALT, reasons::of_halt(&reason), gas, price, &[], None);
            }
        }
    }

    fn row(&mut self, status: u8, reason: u8, gas: u64, price: u64, output: &[u8], created: Option<Address>) {
        self.status.push(status);
        self.reason.push(reason);
        self.gas_used.push(gas);
        self.gas_price.push(price);
        self.output.extend_from_slice(output);
        self.output_ends.push(self.output.len() as u64);
        self.created.extend_from_slice(created.unwrap_or_default().as_slice());
    }

    fn logs(&mut self, logs: &[Log]) {
        let row = self.status.len() as u32;
        for log in logs {
            let topics = log.data.topics();
            self.log_tx.push(row);
            self.log_address.extend_from_slice(log.address.as_slice());
            self.log_topic_count.push(topics.len() as u8);
            for topic in topics {
                self.log_topics.extend_from_slice(topic.as_slice());
            }
            self.log_topics.resize(self.log_tx.len() * 128, 0);
            self.log_data.extend_from_slice(&log.data.data);
            self.log_data_ends.push(self.log_data.len() as u64);
        }
    }

    /// Puts the rows of `other` after these.
    pub fn append(mut self, other: Self) -> Self {
        let (rows, bytes, log_bytes) =
            (self.status.len() as u32, self.output.len() as u64, self.log_data.len() as u64);
        self.total_gas += other.total_gas;
        self.status.extend(other.status);
        self.reason.extend(other.reason);
        self.gas_used.extend(other.gas_used);
        self.gas_price.extend(other.gas_price);
        self.output.extend(other.output);
        self.output_ends.extend(other.output_ends.iter().map(|end| end + bytes));
        self.created.extend(other.created);
        self.log_tx.extend(other.log_tx.iter().map(|row| row + rows));
        self.log_address.extend(other.log_address);
        self.log_topic_count.extend(other.log_topic_count);
        self.log_topics.extend(other.log_topics);
        self.log_data.extend(other.log_data);
        self.log_data_ends.extend(other.log_data_ends.iter().map(|end| end + log_bytes));
        self
    }
}

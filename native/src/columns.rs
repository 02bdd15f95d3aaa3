// SPDX-License-Identifier: Apache-2.0
//! Transactions in and receipts out, as columns.

use std::ops::Range;

use revm::context::result::{ExecutionResult, Output};
use revm::context::TxEnv;
use revm::primitives::{Address, Bytes, Log, TxKind, U256};

use crate::reasons;

/// One transaction or call; its calldata is a part of the batch's.
pub struct Row {
    pub sender: Address,
    pub recipient: TxKind,
    pub nonce: u64,
    pub value: U256,
    pub gas_limit: u64,
    pub max_fee: u64,
    pub priority_fee: u64,
    pub data: Range<usize>,
}

#[derive(Default)]
pub struct Batch {
    pub rows: Vec<Row>,
    pub data: Bytes,
}

impl Batch {
    pub fn transaction(&self, row: &Row, chain_id: u64) -> TxEnv {
        TxEnv {
            tx_type: 2,
            caller: row.sender,
            gas_limit: row.gas_limit,
            gas_price: u128::from(row.max_fee),
            kind: row.recipient,
            value: row.value,
            data: self.data.slice(row.data.clone()),
            nonce: row.nonce,
            chain_id: Some(chain_id),
            gas_priority_fee: Some(u128::from(row.priority_fee)),
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
    pub output_offsets: Vec<u64>,
    pub created: Vec<u8>,
    pub log_tx: Vec<u32>,
    pub log_address: Vec<u8>,
    pub log_topic_count: Vec<u8>,
    pub log_topics: Vec<u8>,
    pub log_data: Vec<u8>,
    pub log_data_offsets: Vec<u64>,
}

impl Receipts {
    pub fn new() -> Self {
        Self { output_offsets: vec![0], log_data_offsets: vec![0], ..Self::default() }
    }

    pub fn invalid(&mut self, reason: u8) {
        self.row((reasons::INVALID, reason), 0, 0, &[], None);
    }

    pub fn included(&mut self, result: &ExecutionResult, price: u64) {
        use ExecutionResult::{Halt, Revert, Success};
        let gas = result.tx_gas_used();
        self.total_gas += gas;
        if let Success { logs, .. } = result {
            self.logs(logs);
        }
        match result {
            Success { output: Output::Call(data), .. } => {
                self.row((reasons::SUCCESS, 0), gas, price, data, None);
            }
            Success { output: Output::Create(_, address), .. } => {
                self.row((reasons::SUCCESS, 0), gas, price, &[], *address);
            }
            Revert { output, .. } => self.row((reasons::REVERT, 0), gas, price, output, None),
            Halt { reason, .. } => {
                self.row((reasons::HALT, reasons::of_halt(reason)), gas, price, &[], None);
            }
        }
    }

    fn row(&mut self, end: (u8, u8), gas: u64, price: u64, output: &[u8], created: Option<Address>) {
        self.status.push(end.0);
        self.reason.push(end.1);
        self.gas_used.push(gas);
        self.gas_price.push(price);
        self.output.extend_from_slice(output);
        self.output_offsets.push(self.output.len() as u64);
        self.created.extend_from_slice(created.unwrap_or_default().as_slice());
    }

    fn logs(&mut self, logs: &[Log]) {
        for log in logs {
            let topics = log.data.topics();
            self.log_tx.push(self.status.len() as u32);
            self.log_address.extend_from_slice(log.address.as_slice());
            self.log_topic_count.push(topics.len() as u8);
            for topic in topics {
                self.log_topics.extend_from_slice(topic.as_slice());
            }
            self.log_topics.resize(self.log_tx.len() * 128, 0);
            self.log_data.extend_from_slice(&log.data.data);
            self.log_data_offsets.push(self.log_data.len() as u64);
        }
    }
}

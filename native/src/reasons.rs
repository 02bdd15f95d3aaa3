// SPDX-License-Identifier: Apache-2.0
//! One byte for why a transaction was left out or halted. Python sees the names in `REASONS`.

use revm::context::result::{HaltReason, InvalidTransaction, OutOfGasError};

pub const SUCCESS: u8 = 1;
pub const REVERT: u8 = 0;
pub const HALT: u8 = 2;
pub const INVALID: u8 = 3;

pub const NONE: u8 = 0;
pub const BLOCK_GAS: u8 = 5;

/// Names by code: 0 is a success or a revert, 1 to 12 invalid transactions, the rest halts.
pub const REASONS: [&str; 31] = [
    "none",
    "nonce too low",
    "nonce too high",
    "insufficient funds",
    "max fee below base fee",
    "gas limit above what the block has left",
    "priority fee above max fee",
    "gas limit above the transaction cap",
    "gas limit below intrinsic gas",
    "init code too large",
    "sender has code",
    "nonce overflow",
    "invalid transaction",
    "out of gas",
    "memory out of gas",
    "precompile out of gas",
    "reentrancy sentry out of gas",
    "invalid opcode",
    "designated invalid opcode",
    "invalid jump destination",
    "stack underflow",
    "stack overflow",
    "return data out of bounds",
    "address collision",
    "precompile error",
    "contract code too large",
    "contract code starts with 0xEF",
    "state change in a static call",
    "insufficient funds for a transfer",
    "call too deep",
    "halted",
];

pub fn of_invalid(error: &InvalidTransaction) -> u8 {
    use InvalidTransaction as E;
    match error {
        E::NonceTooLow { .. } => 1,
        E::NonceTooHigh { .. } => 2,
        E::LackOfFundForMaxFee { .. } | E::OverflowPaymentInTransaction => 3,
        E::GasPriceLessThanBasefee => 4,
        E::CallerGasLimitMoreThanBlock => BLOCK_GAS,
        E::PriorityFeeGreaterThanMaxFee => 6,
        E::TxGasLimitGreaterThanCap { .. } => 7,
        E::CallGasCostMoreThanGasLimit { .. } | E::GasFloorMoreThanGasLimit { .. } => 8,
        E::CreateInitCodeSizeLimit => 9,
        E::RejectCallerWithCode => 10,
        E::NonceOverflowInTransaction => 11,
        _ => 12,
    }
}

pub fn of_halt(reason: &HaltReason) -> u8 {
    use HaltReason as H;
    match reason {
        H::OutOfGas(OutOfGasError::Memory | OutOfGasError::MemoryLimit) => 14,
        H::OutOfGas(OutOfGasError::Precompile) => 15,
        H::OutOfGas(OutOfGasError::ReentrancySentry) => 16,
        H::OutOfGas(_) => 13,
        H::OpcodeNotFound | H::NotActivated => 17,
        H::InvalidFEOpcode => 18,
        H::InvalidJump => 19,
        H::StackUnderflow => 20,
        H::StackOverflow => 21,
        H::OutOfOffset => 22,
        H::CreateCollision => 23,
        H::PrecompileError | H::PrecompileErrorWithContext(_) => 24,
        H::CreateContractSizeLimit | H::CreateInitCodeSizeLimit => 25,
        H::CreateContractStartingWithEF => 26,
        H::StateChangeDuringStaticCall | H::CallNotAllowedInsideStatic => 27,
        H::OutOfFunds => 28,
        H::CallTooDeep => 29,
        H::NonceOverflow | H::OverflowPayment => 30,
    }
}

// SPDX-License-Identifier: Apache-2.0
//! One byte for why a transaction was left out or halted. Python sees the names in `REASONS`.

use revm::context::result::{HaltReason, InvalidTransaction};

pub const REVERT: u8 = 0;
pub const SUCCESS: u8 = 1;
pub const HALT: u8 = 2;
pub const INVALID: u8 = 3;

pub const BLOCK_GAS: u8 = 5;

/// Names by code: 0 is a success or a revert, 1 to 12 were not included, the rest halted.
pub const REASONS: [&str; 21] = [
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
    "invalid opcode",
    "invalid jump destination",
    "stack underflow or overflow",
    "return data out of bounds",
    "address collision",
    "contract code refused",
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
        H::OutOfGas(_) => 13,
        H::OpcodeNotFound | H::NotActivated | H::InvalidFEOpcode => 14,
        H::InvalidJump => 15,
        H::StackUnderflow | H::StackOverflow => 16,
        H::OutOfOffset => 17,
        H::CreateCollision => 18,
        H::CreateContractSizeLimit | H::CreateContractStartingWithEF => 19,
        _ => 20,
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The EVM of Plimsoll: revm behind the few calls that an honest simulation needs.
//!
//! revm decides what a transaction does. This crate keeps the state between transactions, takes
//! whole blocks from Python in one call with the interpreter lock released, and gives back columns.

mod columns;
mod dump;
mod evm;
mod execution;
mod inputs;
mod reasons;
mod results;
mod state;
mod views;

use pyo3::prelude::*;

#[pymodule]
fn plimsoll_evm(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<evm::Evm>()?;
    module.add_class::<inputs::Header>()?;
    module.add_class::<inputs::Transactions>()?;
    module.add_class::<results::BlockResult>()?;
    module.add("EvmError", py.get_type::<evm::EvmError>())?;
    module.add("SnapshotError", py.get_type::<evm::SnapshotError>())?;
    module.add("DumpError", py.get_type::<evm::DumpError>())?;
    module.add("REASONS", reasons::REASONS.to_vec())?;
    module.add("SUCCESS", reasons::SUCCESS)?;
    module.add("REVERT", reasons::REVERT)?;
    module.add("HALT", reasons::HALT)?;
    module.add("INVALID", reasons::INVALID)?;
    Ok(())
}

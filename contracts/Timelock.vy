# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The owner of all risk parameters
@license AGPL-3.0-only
@notice snekmate's timelock: a proposer schedules a call, anyone may see it for the minimum delay, an
        executor then makes it. The delay is the grace in which an account can answer a change that would
        make it liquidatable. The timelock administers itself: roles and delay change through a scheduled
        call only, once the optional administrator of the first hours has renounced.
"""

from snekmate.auth import access_control
from snekmate.governance import timelock_controller

initializes: access_control
initializes: timelock_controller[access_control := access_control]

exports: (
    # operations
    timelock_controller.schedule,
    timelock_controller.schedule_batch,
    timelock_controller.cancel,
    timelock_controller.execute,
    timelock_controller.execute_batch,
    timelock_controller.update_delay,
    # their state
    timelock_controller.get_minimum_delay,
    timelock_controller.get_timestamp,
    timelock_controller.is_operation,
    timelock_controller.is_operation_pending,
    timelock_controller.is_operation_ready,
    timelock_controller.is_operation_done,
    timelock_controller.get_operation_state,
    timelock_controller.hash_operation,
    timelock_controller.hash_operation_batch,
    # roles
    timelock_controller.DEFAULT_ADMIN_ROLE,
    timelock_controller.PROPOSER_ROLE,
    timelock_controller.CANCELLER_ROLE,
    timelock_controller.EXECUTOR_ROLE,
    timelock_controller.hasRole,
    timelock_controller.getRoleAdmin,
    timelock_controller.grantRole,
    timelock_controller.revokeRole,
    timelock_controller.renounceRole,
)


@deploy
def __init__(minimum_delay: uint256, proposers: DynArray[address, 8], executors: DynArray[address, 8], admin: address):
    """
    @param minimum_delay Seconds between scheduling and execution.
    @param proposers May schedule and cancel.
    @param executors May execute.
    @param admin May arrange roles without delay until it renounces; zero for nobody.
    """
    access_control.__init__()
    timelock_controller.__init__(minimum_delay, proposers, executors, admin)

# SPDX-License-Identifier: Apache-2.0
"""The chain: backends behind one Protocol, contract artifacts, calldata, events. The only user of an EVM."""

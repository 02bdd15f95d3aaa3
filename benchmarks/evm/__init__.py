# SPDX-License-Identifier: Apache-2.0
"""The native EVM beside `verbs` 0.4.1 on one common workload; `python -m benchmarks.evm` prints the table.

`verbs` is optional: `pip install -r benchmarks/requirements.txt`. It charges no fees, checks no nonces, drops
topics and calls a reverted transaction a success; the time of the native EVM includes all four done right.
"""

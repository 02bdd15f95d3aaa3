# SPDX-License-Identifier: Apache-2.0
"""Pure twins of contracts/math in exact integers, under the same names; the independent model of the tests.

May import nothing of the project but `simulation.errors`.
"""

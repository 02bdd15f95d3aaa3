# SPDX-License-Identifier: Apache-2.0
"""Readers of published test cases, a module for each format: NAMES, patterns of file names, and check()."""

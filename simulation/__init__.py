# SPDX-License-Identifier: Apache-2.0
"""Plimsoll, a laboratory for margin protocols; the layers and their order stand in pyproject.toml."""

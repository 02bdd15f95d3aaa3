# SPDX-License-Identifier: Apache-2.0
"""What is measured: gas, speed, and both against peers."""

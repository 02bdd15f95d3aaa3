# SPDX-License-Identifier: Apache-2.0
"""The keys that sign surfaces are those of the agents. Imports: agents.surface_signing."""

from simulation.agents.surface_signing import SurfaceSigner, SurfaceUpdate

__all__ = ["SurfaceSigner", "SurfaceUpdate"]

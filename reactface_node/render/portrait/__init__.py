"""A portrait that moves: PIRender (Ren et al., ICCV 2021) with coefficients of a face model."""

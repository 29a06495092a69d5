"""Fine-tuning PIRender on clips of people and the coefficients of their faces."""

"""The networks as the paper describes them; ``official`` holds the released code's variant."""

"""What the boots mean. Pure: plain values in, plain values out."""

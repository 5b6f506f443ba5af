"""One boot: from the trigger to the proof, or to the reason why there is none."""

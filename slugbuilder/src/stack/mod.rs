//! What a stack offers.

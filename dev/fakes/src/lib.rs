//! the issuer simulator and the legacy row generator.

//! the only room where bytes go to an issuer.

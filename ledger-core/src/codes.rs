//! Closed lists of codes: one spelling in Rust, in MySQL and in JSON.

/// A code that is on no list of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} is none of {known}")]
pub struct UnknownCode {
    /// What was read.
    pub code: String,
    /// The codes there are.
    pub known: &'static str,
}

/// Declares an enum whose variants are codes.
#[macro_export]
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $code)] $variant,)+ }

        impl $name {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as it is stored and shown.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.code()) }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::codes::UnknownCode;

            fn from_str(code: &str) -> Result<Self, Self::Err> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _ => Err($crate::codes::UnknownCode {
                        code: code.to_owned(),
                        known: concat!($($code, " "),+),
                    }),
                }
            }
        }
    };
}

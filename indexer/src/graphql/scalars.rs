//! Scalars: numbers that JavaScript can't hold, and bytes.

use std::borrow::Cow;

use alloy::primitives::{self, Address, B256, U256, hex};
use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// A whole number of up to 256 bits, as a decimal string. Small ones may be given as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BigInt(pub U256);

#[Scalar(specified_by_url = "https://docs.soliditylang.org/en/latest/types.html#integers")]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                U256::from_str_radix(text, 10).ok()
            }
            Value::Number(number) => number.as_u64().map(U256::from),
            _ => None,
        };
        number.map(Self).ok_or_else(|| {
            InputValueError::custom(format!("{value} is not a whole number from 0 to 2^256 - 1; write it as \"123\""))
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Bytes, as a 0x string with lower-case hexadecimal digits: an address, a hash, data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

#[Scalar]
impl ScalarType for Bytes {
    fn parse(value: Value) -> InputValueResult<Self> {
        let bytes = match &value {
            Value::String(text) => text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok()),
            _ => None,
        };
        bytes.map(Self).ok_or_else(|| {
            InputValueError::custom(format!("{value} is not a 0x string with an even number of hexadecimal digits"))
        })
    }

    fn to_value(&self) -> Value {
        Value::String(hex::encode_prefixed(&self.0))
    }
}

impl Bytes {
    /// As an address.
    pub(crate) fn address(&self) -> async_graphql::Result<Address> {
        match self.0.len() {
            20 => Ok(Address::from_slice(&self.0)),
            found => Err(super::bad_input(format!("an address has 20 bytes, not {found}"))),
        }
    }

    /// As a hash.
    pub(crate) fn word(&self) -> async_graphql::Result<B256> {
        match self.0.len() {
            32 => Ok(B256::from_slice(&self.0)),
            found => Err(super::bad_input(format!("a hash or task id has 32 bytes, not {found}"))),
        }
    }
}

impl BigInt {
    /// As an id, a block or a time; larger ones name nothing that exists.
    pub(crate) fn saturating_u64(&self) -> u64 {
        self.0.saturating_to()
    }
}

/// A column's type as the type of a GraphQL field.
pub(crate) trait Expose<T> {
    fn expose(&self) -> T;
}

macro_rules! expose {
    ($($from:ty => $to:ty: |$value:ident| $expr:expr;)*) => {$(
        impl Expose<$to> for $from {
            fn expose(&self) -> $to {
                let $value = self;
                $expr
            }
        }
    )*};
}

expose! {
    u64 => BigInt: |number| BigInt(U256::from(*number));
    U256 => BigInt: |number| BigInt(*number);
    Address => Bytes: |address| Bytes(address.to_vec());
    B256 => Bytes: |word| Bytes(word.to_vec());
    Vec<u8> => Bytes: |bytes| Bytes(bytes.clone());
    primitives::Bytes => Bytes: |bytes| Bytes(bytes.to_vec());
    String => String: |text| text.clone();
    Cow<'static, str> => String: |text| text.clone().into_owned();
    bool => bool: |flag| *flag;
    u8 => i32: |number| i32::from(*number);
    u16 => i32: |number| i32::from(*number);
    // Counters, and durations that governance bounds by months.
    u32 => i32: |number| i32::try_from(*number).unwrap_or(i32::MAX);
}

impl<F: Expose<T>, T> Expose<Option<T>> for Option<F> {
    fn expose(&self) -> Option<T> {
        self.as_ref().map(Expose::expose)
    }
}

//! The two declaration macros, and what they say about a type: the source of readers, schemas and CRDs.

use super::rules::{MessageRule, Rule};
use crate::manifests::tree::{Node, Value};

/// A field of a message as declared.
#[derive(Debug)]
pub struct FieldDef {
    /// The name in YAML.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Its rules.
    pub rules: &'static [Rule],
    /// Its type.
    pub schema: fn() -> Schema,
}

impl FieldDef {
    /// True when the field must be set.
    pub fn required(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule, Rule::Required))
    }
}

/// How a type looks in OpenAPI terms. Nested types are functions, so recursive types are possible.
#[derive(Debug, Clone, Copy)]
pub enum Schema {
    /// `type: string`, with an OpenAPI format when there is one.
    Text(&'static str),
    /// A string out of a list.
    Choice(&'static [&'static str]),
    /// `type: boolean`.
    Bool,
    /// `type: integer`.
    Int,
    /// `type: number`.
    Number,
    /// An integer or a string.
    IntOrString,
    /// Anything (`x-kubernetes-preserve-unknown-fields`).
    Any,
    /// A list.
    List(fn() -> Schema),
    /// A mapping with free keys.
    Map(fn() -> Schema),
    /// A message: its doc text, fields and rules.
    Message(&'static str, &'static [FieldDef], &'static [MessageRule]),
}

impl Schema {
    /// True when a value of this type can look like `node`, judged by its outermost shape.
    pub fn takes(&self, node: &Node) -> bool {
        match self {
            Schema::Text(_) => node.as_str().is_some(),
            Schema::Choice(words) => node.as_str().is_some_and(|text| words.contains(&text)),
            Schema::Bool => node.as_bool().is_some(),
            Schema::Int => node.as_int().is_some(),
            Schema::Number => matches!(node.value, Value::Int(_) | Value::Uint(_) | Value::Float(_)),
            Schema::IntOrString => node.as_int().is_some() || node.as_str().is_some(),
            Schema::Any => true,
            Schema::List(_) => matches!(node.value, Value::Seq(_)),
            Schema::Map(_) | Schema::Message(..) => matches!(node.value, Value::Map(_)),
        }
    }
}

/// Declares a message type: `pub struct Name { field: Type = "yamlName" [rules], }` and, after it, its message rules.
///
/// Types are `Option<Shape>`, `List<Shape>` or `Map<Shape>`. `open` before `struct` keeps unknown fields without a word
/// (for parts of Kubernetes kinds that no rule reads). The type gets `place`, a reader and a schema.
#[macro_export]
macro_rules! message {
    ($(#[doc = $doc:literal])* pub struct $name:ident {
        $( $(#[doc = $fdoc:literal])* $field:ident : $ty:ty = $yaml:literal $([ $($rule:expr),* $(,)? ])? , )*
    } $(rules [ $($mrule:expr),* $(,)? ])?) => {
        $crate::message!(@build closed, $(#[doc = $doc])* $name { $( $(#[doc = $fdoc])* $field : $ty = $yaml [ $($($rule),*)? ], )* } [ $($($mrule),*)? ]);
    };
    ($(#[doc = $doc:literal])* pub open struct $name:ident {
        $( $(#[doc = $fdoc:literal])* $field:ident : $ty:ty = $yaml:literal $([ $($rule:expr),* $(,)? ])? , )*
    } $(rules [ $($mrule:expr),* $(,)? ])?) => {
        $crate::message!(@build open, $(#[doc = $doc])* $name { $( $(#[doc = $fdoc])* $field : $ty = $yaml [ $($($rule),*)? ], )* } [ $($($mrule),*)? ]);
    };
    (@unknown closed, $cx:ident, $entry:ident, $beside:ident) => { $cx.unknown($entry, Self::FIELDS, $beside) };
    (@unknown open, $cx:ident, $entry:ident, $beside:ident) => { { let _ = $entry; } };
    (@build $mode:ident, $(#[doc = $doc:literal])* $name:ident {
        $( $(#[doc = $fdoc:literal])* $field:ident : $ty:ty = $yaml:literal [ $($rule:expr),* ], )*
    } [ $($mrule:expr),* ]) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name {
            /// Where the message stands.
            pub place: $crate::manifests::source::Place,
            $( $(#[doc = $fdoc])* pub $field: $ty, )*
        }

        impl $name {
            /// The fields as declared.
            pub const FIELDS: &'static [$crate::schema::FieldDef] = &[
                $( $crate::schema::FieldDef {
                    name: $yaml,
                    doc: concat!($($fdoc, "\n"),*),
                    rules: { #[allow(unused_imports)] use $crate::schema::Rule::*; &[ $($rule),* ] },
                    schema: <$ty as $crate::schema::Field>::schema,
                }, )*
            ];
            /// The rules over the whole message.
            pub const RULES: &'static [$crate::schema::MessageRule] = {
                #[allow(unused_imports)]
                use $crate::schema::MessageRule::*;
                &[ $($mrule),* ]
            };
        }

        impl $crate::schema::Shape for $name {
            fn read(
                node: &$crate::manifests::tree::Node,
                place: $crate::manifests::source::Place,
                cx: &mut $crate::schema::Reader,
            ) -> Option<Self> {
                let entries = cx.mapping(node, place)?;
                #[allow(unused_mut)]
                let mut this = Self { place, ..Self::default() };
                for entry in entries {
                    $crate::message!(@fields this, cx, entry, 0usize; $( $field $yaml )*);
                    $crate::message!(@unknown $mode, cx, entry, entries);
                }
                cx.finish(node, place, Self::FIELDS, Self::RULES);
                Some(this)
            }

            fn schema() -> $crate::schema::Schema {
                $crate::schema::Schema::Message(concat!($($doc, "\n"),*), Self::FIELDS, Self::RULES)
            }
        }
    };
    (@fields $this:ident, $cx:ident, $entry:ident, $at:expr; ) => {};
    (@fields $this:ident, $cx:ident, $entry:ident, $at:expr; $field:ident $yaml:literal $($rest:tt)*) => {
        if $cx.names(&$entry.key, $yaml) {
            $cx.field(&mut $this.$field, $entry, &Self::FIELDS[$at]);
            continue;
        }
        $crate::message!(@fields $this, $cx, $entry, $at + 1usize; $($rest)*);
    };
}

/// Declares an enumeration: `pub enum Name { Variant = "WORD", }`. Read as `At<Name>`; another word is a defect.
#[macro_export]
macro_rules! choice {
    ($(#[doc = $doc:literal])* pub enum $name:ident { $( $(#[doc = $vdoc:literal])* $variant:ident = $word:literal , )+ }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[doc = $vdoc])* #[doc = concat!("`", $word, "`")] $variant, )+ }

        impl $name {
            /// The words in declaration order.
            pub const WORDS: &'static [&'static str] = &[ $($word),+ ];

            /// The word as written in YAML.
            pub fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl $crate::schema::Leaf for $name {
            fn leaf(node: &$crate::manifests::tree::Node) -> Result<Self, $crate::schema::LeafError> {
                match node.as_str() {
                    $( Some($word) => Ok(Self::$variant), )+
                    Some(_) => Err($crate::schema::LeafError::Word(Self::WORDS.to_vec())),
                    None => Err($crate::schema::LeafError::Type("string".to_owned())),
                }
            }

            fn leaf_schema() -> $crate::schema::Schema {
                $crate::schema::Schema::Choice(Self::WORDS)
            }
        }
    };
}

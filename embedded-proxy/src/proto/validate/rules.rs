//! Reading the rules of a message from its descriptor.

use prost_reflect::{DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::check::{Check, number};

/// Rules of one message.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub fields: Vec<Field>,
    pub required_oneofs: Vec<Oneof>,
    /// Fields whose messages are not looked into.
    pub skipped: Vec<u32>,
}

/// A choice that must be made.
#[derive(Debug)]
pub(super) struct Oneof {
    pub names: Vec<String>,
    pub fields: Vec<u32>,
}

/// Rules of one field.
#[derive(Debug)]
pub(super) struct Field {
    pub number: u32,
    pub name: String,
    /// Whether the field can be absent; otherwise it has `default`.
    pub optional: bool,
    pub default: Option<Value>,
    required: bool,
    /// Whether an empty value is as good as none.
    ignore_empty: bool,
    checks: Vec<Check>,
    /// Checks of each item of a list, or each value of a map.
    pub items: Vec<Check>,
    /// Checks of each key of a map.
    pub keys: Vec<Check>,
}

impl Field {
    /// What is wrong when the field is not there.
    pub fn absent(&self) -> Option<String> {
        self.required.then(|| "value is required".to_string())
    }

    /// What is wrong with a value.
    pub fn sentences<'s>(&'s self, value: &'s Value) -> impl Iterator<Item = String> + 's {
        let ignored = self.ignore_empty && self.default.as_ref() == Some(value);
        self.checks.iter().filter(move |_| !ignored).filter_map(|check| check.sentence(value))
    }
}

impl Rules {
    pub fn read(descriptor: &MessageDescriptor) -> Self {
        let mut rules = Self::default();
        let pool = descriptor.parent_pool();
        let (Some(of_field), Some(of_oneof)) =
            (pool.get_extension_by_name("validate.rules"), pool.get_extension_by_name("validate.required"))
        else {
            return rules;
        };
        for oneof in descriptor.oneofs() {
            let options = oneof.options();
            if options.has_extension(&of_oneof) && options.get_extension(&of_oneof).as_bool() == Some(true) {
                rules.required_oneofs.push(Oneof {
                    names: oneof.fields().map(|field| field.name().to_string()).collect(),
                    fields: oneof.fields().map(|field| field.number()).collect(),
                });
            }
        }
        for field in descriptor.fields() {
            if let Some(options) = options(&field, &of_field) {
                rules.field(&field, &options);
            }
        }
        rules
    }

    fn field(&mut self, field: &FieldDescriptor, options: &DynamicMessage) {
        let of_message = sub(options, "message");
        if of_message.as_ref().is_some_and(|rules| flag(rules, "skip")) {
            self.skipped.push(field.number());
        }
        let chosen = chosen(options);
        let asked = |name| [&of_message, &chosen].into_iter().flatten().any(|rules| flag(rules, name));
        let optional = field.supports_presence();
        let read = Field {
            number: field.number(),
            name: field.name().to_string(),
            optional,
            default: (!optional).then(|| Value::default_value_for_field(field)),
            // The members of a oneof are alternatives: whether one must be set is the oneof's own rule.
            required: asked("required") && field.containing_oneof().is_none_or(|oneof| oneof.is_synthetic()),
            ignore_empty: chosen.as_ref().is_some_and(|rules| flag(rules, "ignore_empty")),
            checks: chosen.as_ref().map(|rules| checks(rules, &field.kind())).unwrap_or_default(),
            items: inner(chosen.as_ref(), &["items", "values"], &value_kind(field)),
            keys: inner(chosen.as_ref(), &["keys"], &Kind::String),
        };
        if read.required || !read.checks.is_empty() || !read.items.is_empty() || !read.keys.is_empty() {
            self.fields.push(read);
        }
    }
}

/// The rules of a field, if it has some.
fn options(field: &FieldDescriptor, extension: &ExtensionDescriptor) -> Option<DynamicMessage> {
    let options = field.options();
    if !options.has_extension(extension) {
        return None;
    }
    options.get_extension(extension).as_message().cloned()
}

/// Kind of the items of a list, or of the values of a map.
fn value_kind(field: &FieldDescriptor) -> Kind {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    }
}

/// Checks under `repeated.items`, `map.keys` and `map.values`.
fn inner(chosen: Option<&DynamicMessage>, names: &[&str], kind: &Kind) -> Vec<Check> {
    let rules = names.iter().find_map(|name| chosen.and_then(|rules| sub(rules, name)));
    rules.as_ref().and_then(self::chosen).map(|rules| checks(&rules, kind)).unwrap_or_default()
}

/// The rules for the type of the field: the message that is set in the choice `type`.
fn chosen(rules: &DynamicMessage) -> Option<DynamicMessage> {
    rules
        .fields()
        .find(|(field, _)| field.containing_oneof().is_some())
        .and_then(|(_, value)| value.as_message().cloned())
}

fn sub(message: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    if !message.has_field_by_name(name) {
        return None;
    }
    message.get_field_by_name(name)?.as_message().cloned()
}

fn flag(message: &DynamicMessage, name: &str) -> bool {
    message.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or(false)
}

/// Checks from one message of rules (`StringRules`, `DurationRules` ...).
fn checks(rules: &DynamicMessage, kind: &Kind) -> Vec<Check> {
    let of_text = rules.get_field_by_name("prefix").is_some();
    let set = rules.fields().filter(|(field, _)| rules.has_field(field));
    let mut checks: Vec<Check> =
        set.filter_map(|(field, value)| check(rules, field.name(), value, of_text, kind)).collect();
    checks.sort_by_key(Check::rank);
    checks
}

fn check(rules: &DynamicMessage, name: &str, value: &Value, of_text: bool, kind: &Kind) -> Option<Check> {
    let count = || value.as_u64().and_then(|count| usize::try_from(count).ok());
    let text = || value.as_str().map(str::to_string);
    let texts =
        || value.as_list().map(|list| list.iter().filter_map(|item| item.as_str().map(str::to_string)).collect());
    let numbers = || value.as_list().map(|list| list.iter().filter_map(number).collect::<Vec<_>>());
    match name {
        "min_len" => Some(Check::MinChars(count()?)),
        "max_len" => Some(Check::MaxChars(count()?)),
        "len" => Some(Check::Chars(count()?)),
        "min_bytes" => Some(Check::MinBytes(count()?)),
        "max_bytes" => Some(Check::MaxBytes(count()?)),
        "pattern" => regex::Regex::new(&text()?).ok().map(Check::Pattern),
        "prefix" => Some(Check::Prefix(text()?)),
        "suffix" => Some(Check::Suffix(text()?)),
        "contains" => Some(Check::Contains(text()?)),
        "well_known_regex" => Some(Check::Header {
            name: value.as_enum_number() == Some(1),
            strict: rules.get_field_by_name("strict").and_then(|strict| strict.as_bool()).unwrap_or(true),
        }),
        "in" if of_text => Some(Check::InTexts(texts()?)),
        "not_in" if of_text => Some(Check::NotInTexts(texts()?)),
        "in" => Some(Check::In(numbers()?)),
        "not_in" => Some(Check::NotIn(numbers()?)),
        "const" => Some(Check::Const(value.clone())),
        "lt" => Some(Check::Less(number(value)?)),
        "lte" => Some(Check::AtMost(number(value)?)),
        "gt" => Some(Check::Greater(number(value)?)),
        "gte" => Some(Check::AtLeast(number(value)?)),
        "defined_only" => match kind {
            Kind::Enum(words) => Some(Check::Defined(words.values().map(|word| word.number()).collect())),
            _ => None,
        },
        "min_items" | "min_pairs" => Some(Check::MinItems(count()?)),
        "max_items" | "max_pairs" => Some(Check::MaxItems(count()?)),
        "unique" => Some(Check::Unique),
        _ => None,
    }
}

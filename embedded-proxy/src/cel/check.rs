//! Checks an expression before it is used, and gives each attribute its full name: `request.path` is one variable then,
//! so that only what an expression looks at has to be made.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use super::attributes;

/// Deepest nesting.
const DEEPEST: usize = 128;

/// Functions that expressions may call, with the number of arguments; a method counts what it is called on.
const FUNCTIONS: &[(&str, std::ops::RangeInclusive<usize>)] = &[
    (operators::CONDITIONAL, 3..=3),
    (operators::LOGICAL_AND, 2..=2),
    (operators::LOGICAL_OR, 2..=2),
    (operators::LOGICAL_NOT, 1..=1),
    (operators::SUBSTRACT, 2..=2),
    (operators::ADD, 2..=2),
    (operators::MULTIPLY, 2..=2),
    (operators::DIVIDE, 2..=2),
    (operators::MODULO, 2..=2),
    (operators::EQUALS, 2..=2),
    (operators::NOT_EQUALS, 2..=2),
    (operators::GREATER_EQUALS, 2..=2),
    (operators::LESS_EQUALS, 2..=2),
    (operators::GREATER, 2..=2),
    (operators::LESS, 2..=2),
    (operators::NEGATE, 1..=1),
    (operators::INDEX, 2..=2),
    (operators::IN, 2..=2),
    (operators::NOT_STRICTLY_FALSE, 1..=1),
    ("bytes", 1..=1),
    ("contains", 2..=2),
    ("double", 1..=1),
    ("endsWith", 2..=2),
    ("int", 1..=1),
    ("matches", 2..=2),
    ("size", 1..=1),
    ("startsWith", 2..=2),
    ("string", 1..=1),
    ("uint", 1..=1),
];

/// Marks a variable that says whether an attribute is there.
pub(super) const HAS: char = '?';

/// Checks the expression. The error says what the proxy does not have.
pub(super) fn check(expression: Expression) -> Result<Expression, String> {
    walk(expression, &BTreeSet::new(), 0)
}

fn walk(expression: Expression, local: &BTreeSet<String>, depth: usize) -> Result<Expression, String> {
    if depth > DEEPEST {
        return Err("the expression is nested too deeply".into());
    }
    let inner = |expression: Expression| walk(expression, local, depth + 1);
    if let Some(name) = attribute(&expression, local)? {
        return Ok(Expression { id: 0, expr: Expr::Ident(name) });
    }
    let expr = match expression.expr {
        Expr::Unspecified => return Err("a part of the expression is missing".into()),
        Expr::Literal(literal) => Expr::Literal(literal),
        Expr::Ident(name) if local.contains(&name) => Expr::Ident(name),
        Expr::Ident(name) => return Err(format!("the proxy does not have the attribute {name}")),
        Expr::Call(call) => Expr::Call(checked_call(call, &inner)?),
        Expr::Select(mut select) => {
            select.operand = Box::new(inner(*select.operand)?);
            Expr::Select(select)
        }
        Expr::List(mut list) => {
            if !list.optional_indices.is_empty() {
                return Err("the proxy does not have optional elements".into());
            }
            list.elements = list.elements.into_iter().map(inner).collect::<Result<_, _>>()?;
            Expr::List(list)
        }
        Expr::Map(mut map) => {
            for entry in &mut map.entries {
                let EntryExpr::MapEntry(entry) = &mut entry.expr else {
                    return Err("a map has an entry without a key".into());
                };
                if entry.optional {
                    return Err("the proxy does not have optional entries".into());
                }
                entry.key = inner(std::mem::take(&mut entry.key))?;
                entry.value = inner(std::mem::take(&mut entry.value))?;
            }
            Expr::Map(map)
        }
        Expr::Struct(object) => return Err(format!("the proxy does not make messages ({})", object.type_name)),
        Expr::Comprehension(mut loops) => {
            loops.iter_range = inner(loops.iter_range)?;
            loops.accu_init = inner(loops.accu_init)?;
            let mut names = local.clone();
            names.extend([loops.iter_var.clone(), loops.accu_var.clone()]);
            names.extend(loops.iter_var2.clone());
            loops.loop_cond = walk(loops.loop_cond, &names, depth + 1)?;
            loops.loop_step = walk(loops.loop_step, &names, depth + 1)?;
            loops.result = walk(loops.result, &names, depth + 1)?;
            Expr::Comprehension(loops)
        }
    };
    // Where it stood in a text is of no use any more.
    Ok(Expression { id: 0, expr })
}

fn checked_call(
    mut call: CallExpr,
    inner: &impl Fn(Expression) -> Result<Expression, String>,
) -> Result<CallExpr, String> {
    let count = call.args.len() + usize::from(call.target.is_some());
    let Some((_, counts)) = FUNCTIONS.iter().find(|(name, _)| *name == call.func_name) else {
        return Err(format!("the proxy does not have the function {}", call.func_name));
    };
    if !counts.contains(&count) {
        return Err(format!("{} is called with {count} arguments", call.func_name));
    }
    call.target = match call.target {
        Some(target) => Some(Box::new(inner(*target)?)),
        None => None,
    };
    call.args = call.args.into_iter().map(inner).collect::<Result<_, _>>()?;
    Ok(call)
}

/// The full name of the attribute that the expression is: `request.path`, `request['path']`, or `filter_state`, which has
/// no fixed fields.
fn attribute(expression: &Expression, local: &BTreeSet<String>) -> Result<Option<String>, String> {
    let root = |expression: &Expression| match &expression.expr {
        Expr::Ident(name) if attributes::is_root(name) && !local.contains(name) => Some(name.clone()),
        _ => None,
    };
    let (root, field, test) = match &expression.expr {
        Expr::Select(select) => (root(&select.operand), select.field.clone(), select.test),
        Expr::Call(call) if call.func_name == operators::INDEX && call.args.len() == 2 => {
            let Expr::Literal(LiteralValue::String(field)) = &call.args[1].expr else { return Ok(None) };
            (root(&call.args[0]), field.inner().to_string(), false)
        }
        Expr::Ident(name) if attributes::is_map(name) && !local.contains(name) => return Ok(Some(name.clone())),
        _ => return Ok(None),
    };
    let Some(root) = root else { return Ok(None) };
    let name = format!("{root}.{field}");
    if !attributes::is_known(&name) {
        return Err(format!("the proxy does not have the attribute {name}"));
    }
    Ok(Some(if test { format!("{HAS}{name}") } else { name }))
}

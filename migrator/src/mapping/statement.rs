//! SELECTs with named parameters, as the mapping's files hold them.

/// What a mapping's SELECT may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Param {
    /// The last key of the chunk before.
    After,
    /// The first instant of a window, on the mapping's wall clock.
    From,
    /// The wanted keys, as a JSON array of text.
    Keys,
    /// Rows at most.
    Limit,
    /// Which slice of the keys.
    Slice,
    /// Into how many slices the keys are cut.
    Slices,
    /// The end of a window, itself not included.
    To,
}

impl Param {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "after" => Self::After,
            "from" => Self::From,
            "keys" => Self::Keys,
            "limit" => Self::Limit,
            "slice" => Self::Slice,
            "slices" => Self::Slices,
            "to" => Self::To,
            _ => return None,
        })
    }
}

/// A SELECT with its parameters in the order MySQL wants them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    sql: String,
    params: Vec<Param>,
}

impl Statement {
    /// Reads the text of a file: one SELECT, `:name` where a parameter stands, comments from `--` to the end of a line.
    pub fn parse(text: &str, allowed: &[Param]) -> Result<Self, String> {
        let mut sql = String::with_capacity(text.len());
        let mut params = Vec::new();
        for line in text.lines().map(without_comment) {
            let mut rest = line;
            while let Some((before, quoted, after)) = next_mark(rest) {
                sql.push_str(before);
                rest = after;
                let Some(name) = quoted.strip_prefix(':') else {
                    sql.push_str(quoted);
                    continue;
                };
                let param = Param::of(name).filter(|param| allowed.contains(param));
                params.push(param.ok_or_else(|| format!("parameter :{name} is not known here"))?);
                sql.push('?');
            }
            sql.push_str(rest);
            sql.push('\n');
        }
        let sql = sql.trim().trim_end_matches(';').to_owned();
        if !sql.to_ascii_uppercase().starts_with("SELECT") || sql.contains(';') {
            return Err("one SELECT is wanted, nothing else".to_owned());
        }
        Ok(Self { sql, params })
    }

    /// The text, `?` for each parameter.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The parameters in their order.
    pub fn params(&self) -> &[Param] {
        &self.params
    }
}

fn without_comment(line: &str) -> &str {
    line.split_once("-- ").map_or(line, |(code, _)| code)
}

/// The next quoted text or parameter: what stands before it, itself, what follows.
fn next_mark(text: &str) -> Option<(&str, &str, &str)> {
    let at = text.find(['\'', ':'])?;
    let tail = &text[at..];
    let length = if let Some(quoted) = tail.strip_prefix('\'') {
        quoted.find('\'').map_or(tail.len(), |end| end + 2)
    } else {
        1 + tail[1..].find(|c: char| !c.is_ascii_lowercase()).unwrap_or(tail.len() - 1)
    };
    Some((&text[..at], &tail[..length], &tail[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_places_in_order() {
        let text = "-- a word: on it\nSELECT k FROM t WHERE k > :after AND d = '12:00' LIMIT :limit";
        let statement = Statement::parse(text, &[Param::After, Param::Limit]).unwrap();
        assert_eq!(statement.sql(), "SELECT k FROM t WHERE k > ? AND d = '12:00' LIMIT ?");
        assert_eq!(statement.params(), [Param::After, Param::Limit]);
    }

    #[test]
    fn anything_but_one_select_is_refused() {
        assert!(Statement::parse("DELETE FROM t", &[]).is_err());
        assert!(Statement::parse("SELECT 1; DELETE FROM t", &[]).is_err());
        assert!(Statement::parse("SELECT :nonsense", &[Param::After]).is_err());
        assert!(Statement::parse("SELECT :keys", &[Param::After]).is_err());
    }
}

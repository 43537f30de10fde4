//! The two forms of an exposition: Prometheus' text format 0.0.4 as the recorder writes it, and OpenMetrics 1.0 made of that.
//!
//! It knows the shape of a line and no family.

use hyper::header::{ACCEPT, HeaderMap};

/// A form of the exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// What a scraper prefers; text where it does not say.
    pub(crate) fn wanted(headers: &HeaderMap) -> Self {
        let accepted = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(','));
        let (mut open, mut text) = (0.0_f32, 0.0_f32);
        for range in accepted {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            let quality = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if kind.eq_ignore_ascii_case("application/openmetrics-text") {
                open = open.max(quality);
            } else if kind.eq_ignore_ascii_case("text/plain") || kind == "text/*" {
                text = text.max(quality);
            }
        }
        if open > 0.0 && open >= text {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// The `Content-Type` of it.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// An exposition in text format 0.0.4, in the wanted format. Families come in the order of their names, so that two scrapes can be compared.
pub(super) fn render(text: &str, format: Format) -> String {
    let mut families: Vec<&str> = text
        .split("\n\n")
        .map(str::trim)
        .filter(|family| !family.is_empty())
        .collect();
    families.sort_by_key(|family| name(family));
    let mut out = String::with_capacity(text.len() + 64);
    for family in families {
        match format {
            Format::Text => {
                out.push_str(family);
                out.push('\n');
            }
            Format::OpenMetrics => family.lines().for_each(|line| open_line(line, &mut out)),
        }
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

/// The name of the family that a block of lines is about.
fn name(family: &str) -> &str {
    let head = family
        .lines()
        .find_map(|line| line.strip_prefix("# TYPE "))
        .unwrap_or(family);
    head.split(' ').next().unwrap_or_default()
}

/// One line in OpenMetrics: a counter's family has no `_total`, its sample does; bounds are floating-point numbers.
fn open_line(line: &str, out: &mut String) {
    if let Some((keyword, rest)) = line
        .strip_prefix("# ")
        .and_then(|line| line.split_once(' '))
    {
        let (name, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        // In our tables the suffix stands on counters alone.
        let name = name.strip_suffix("_total").unwrap_or(name);
        out.extend(["# ", keyword, " ", name, " ", tail, "\n"]);
        return;
    }
    match line
        .split_once("le=\"")
        .and_then(|(before, rest)| Some((before, rest.split_once('"')?)))
    {
        Some((before, (bound, after))) if !bound.contains(['.', 'e', 'I']) => {
            out.extend([before, "le=\"", bound, ".0\"", after, "\n"])
        }
        _ => out.extend([line, "\n"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_wanted(accept: &[&str], expected: Format) {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(ACCEPT, value.parse().unwrap());
        }
        assert_eq!(Format::wanted(&headers), expected, "{accept:?}");
    }

    #[test]
    fn openmetrics_is_for_those_who_ask() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        check_wanted(&[prometheus], Format::OpenMetrics);
        check_wanted(
            &["text/plain;q=0.5", "application/openmetrics-text"],
            Format::OpenMetrics,
        );
        for text in [
            "*/*",
            "text/plain",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.2, text/plain",
            "nonsense;;q=",
        ] {
            check_wanted(&[text], Format::Text);
        }
        check_wanted(&[], Format::Text);
    }

    #[test]
    fn counters_lose_their_suffix_in_the_head_and_bounds_become_numbers() {
        let text = "# HELP b_total B.\n# TYPE b_total counter\nb_total{x=\"# y\"} 1\n\n# TYPE a_ms histogram\na_ms_bucket{c=\"d\",le=\"5\"} 1\na_ms_bucket{c=\"d\",le=\"0.5\"} 0\na_ms_bucket{c=\"d\",le=\"+Inf\"} 1\n\n";
        let open = "# TYPE a_ms histogram\na_ms_bucket{c=\"d\",le=\"5.0\"} 1\na_ms_bucket{c=\"d\",le=\"0.5\"} 0\na_ms_bucket{c=\"d\",le=\"+Inf\"} 1\n# HELP b B.\n# TYPE b counter\nb_total{x=\"# y\"} 1\n# EOF\n";
        assert_eq!(render(text, Format::OpenMetrics), open);
        assert!(render(text, Format::Text).starts_with("# TYPE a_ms histogram\n"));
    }
}

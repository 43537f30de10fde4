//! Words that are often misspelt. A list and no dictionary: `typos`, which has one, takes minutes to build, longer than all other
//! checks together.

use std::path::Path;

use super::{Findings, Source};

/// A misspelling, and the word that is meant.
const MISSPELT: &[(&str, &str)] = &[
    ("accidently", "accidentally"),
    ("accomodate", "accommodate"),
    ("acheive", "achieve"),
    ("adress", "address"),
    ("agressive", "aggressive"),
    ("aleady", "already"),
    ("allways", "always"),
    ("ammount", "amount"),
    ("anwser", "answer"),
    ("apparant", "apparent"),
    ("arbitary", "arbitrary"),
    ("asynchonous", "asynchronous"),
    ("availabe", "available"),
    ("basicly", "basically"),
    ("becuase", "because"),
    ("begining", "beginning"),
    ("beleive", "believe"),
    ("boundry", "boundary"),
    ("catagory", "category"),
    ("choosen", "chosen"),
    ("commited", "committed"),
    ("comparision", "comparison"),
    ("compatability", "compatibility"),
    ("completly", "completely"),
    ("concious", "conscious"),
    ("concurent", "concurrent"),
    ("conection", "connection"),
    ("consistant", "consistent"),
    ("definately", "definitely"),
    ("dependancy", "dependency"),
    ("depricated", "deprecated"),
    ("descripter", "descriptor"),
    ("desparate", "desperate"),
    ("diferent", "different"),
    ("dissapear", "disappear"),
    ("embarass", "embarrass"),
    ("enviroment", "environment"),
    ("existance", "existence"),
    ("explicitely", "explicitly"),
    ("futher", "further"),
    ("garantee", "guarantee"),
    ("gaurd", "guard"),
    ("goverment", "government"),
    ("heirarchy", "hierarchy"),
    ("immediatly", "immediately"),
    ("incompatable", "incompatible"),
    ("indentical", "identical"),
    ("independant", "independent"),
    ("initalize", "initialize"),
    ("intepret", "interpret"),
    ("interupt", "interrupt"),
    ("invokation", "invocation"),
    ("lenght", "length"),
    ("liason", "liaison"),
    ("libary", "library"),
    ("maintainance", "maintenance"),
    ("mesage", "message"),
    ("millisecons", "milliseconds"),
    ("mispell", "misspell"),
    ("neccessary", "necessary"),
    ("negociate", "negotiate"),
    ("noticable", "noticeable"),
    ("occured", "occurred"),
    ("occurence", "occurrence"),
    ("ommit", "omit"),
    ("overriden", "overridden"),
    ("paramater", "parameter"),
    ("parrallel", "parallel"),
    ("particulary", "particularly"),
    ("perfomance", "performance"),
    ("persistant", "persistent"),
    ("posible", "possible"),
    ("preceed", "precede"),
    ("prefered", "preferred"),
    ("priviledge", "privilege"),
    ("probaly", "probably"),
    ("proccess", "process"),
    ("publically", "publicly"),
    ("recieve", "receive"),
    ("recieved", "received"),
    ("recomend", "recommend"),
    ("recurrance", "recurrence"),
    ("refered", "referred"),
    ("relevent", "relevant"),
    ("reponse", "response"),
    ("requst", "request"),
    ("responce", "response"),
    ("retreive", "retrieve"),
    ("seperate", "separate"),
    ("seperator", "separator"),
    ("shoud", "should"),
    ("similiar", "similar"),
    ("simultanous", "simultaneous"),
    ("speach", "speech"),
    ("succesful", "successful"),
    ("successfull", "successful"),
    ("suprise", "surprise"),
    ("syncronous", "synchronous"),
    ("teh", "the"),
    ("thier", "their"),
    ("threshhold", "threshold"),
    ("tommorow", "tomorrow"),
    ("truely", "truly"),
    ("unecessary", "unnecessary"),
    ("untill", "until"),
    ("usefull", "useful"),
    ("wether", "whether"),
    ("whithout", "without"),
    ("wich", "which"),
    ("writting", "writing"),
];

pub(super) fn check(sources: &[Source], findings: &mut Findings) {
    let own = Path::new("xtask/src/tidy/spelling.rs");
    for source in sources.iter().filter(|source| source.path != own) {
        for (number, line) in source.text.lines().enumerate() {
            let fault = |(wrong, right): (&str, &str)| {
                let place = source.path.display();
                format!("{place}:{}: {wrong} is spelt {right}", number + 1)
            };
            findings.errors.extend(misspelt(line).map(fault));
        }
    }
}

/// The misspelt words of a line, each with the right one.
fn misspelt(line: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let words = line.split(|c: char| !c.is_ascii_alphabetic());
    words.filter_map(|word| {
        let found = MISSPELT.binary_search_by(|(wrong, _)| {
            let lower = word.bytes().map(|byte| byte.to_ascii_lowercase());
            wrong.bytes().cmp(lower)
        });
        found.ok().map(|at| MISSPELT[at])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_so_that_it_can_be_searched() {
        assert!(MISSPELT.is_sorted());
    }

    #[test]
    fn whole_words_are_found_in_any_case() {
        let found: Vec<_> = misspelt("// Teh lenght of wether_or_not").collect();
        assert_eq!(
            found,
            [("teh", "the"), ("lenght", "length"), ("wether", "whether")]
        );
        assert_eq!(misspelt("the length of tehran").count(), 0);
    }
}

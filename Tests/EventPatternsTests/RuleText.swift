/// Parts of rules, as many as wanted, with commas between them.
func list(_ count: Int, _ item: (Int) -> String) -> String { (0..<count).map(item).joined(separator: ",") }

package query

import "slices"

// Parameter describes a parameter of a query, for what documents the API. The names and values are those of the parser.
type Parameter struct {
	Name   string   // filter.<dimension> stands for one parameter a dimension
	Doc    string   // one sentence
	Values []string // that are accepted; nil when it takes other text
	List   bool     // takes several values
	Whole  bool     // takes a whole number from 1
}

// Parameters lists the parameters of a query in the order of their documentation.
func Parameters() []Parameter {
	all := make([]Parameter, len(parameters))
	for i, name := range parameters {
		all[i] = described(name)
	}
	return all
}

func described(name string) Parameter {
	p := Parameter{Name: name}
	switch name {
	case "from":
		p.Doc = "Start of the range, a date or an RFC 3339 instant; 90 days before its end unless given."
	case "to":
		p.Doc = "End of the range, not in it; tomorrow unless given."
	case "grain":
		p.Doc, p.Values = "Length of the buckets; day unless given.", slices.Clone(grains)
	case "metrics":
		p.Doc, p.Values, p.List = "Figures to give.", MetricNames(), true
	case "filter.<dimension>":
		p.Doc, p.List = "Count only events with one of these values; \\, is a comma in a value.", true
	case "filter.<dimension>!":
		p.Doc, p.List = "Count only events with none of these values.", true
	case "group_by":
		p.Doc, p.List = "Dimensions to make a row for each value of.", true
	case "order":
		p.Doc, p.List = "Columns to sort by: bucket, a dimension or a metric; - before or :desc behind it for falling order.", true
	case "limit":
		p.Doc, p.Whole = "Most rows to give, after sorting.", true
	case "fill":
		p.Doc, p.Values = "zero adds the buckets without data.", []string{"zero"}
	case "format":
		p.Doc, p.Values = "Form of the reply; json unless given.", slices.Clone(formats)
	case "compare":
		p.Doc = "Give the figures of an earlier range of the same length beside those asked for."
	case "everything_else":
		p.Doc = "Give one more row that counts what limit cut off."
	}
	return p
}

// Formats lists the forms a reply may have.
func Formats() []string { return slices.Clone(formats) }

// DefaultMetrics lists the metrics of a request that names none.
func DefaultMetrics() []string { return slices.Clone(defaultMetrics) }

// WholeMetric tells whether a metric is a count; the others may be null and have fractions.
func WholeMetric(name string) bool {
	m, ok := metricNamed(name)
	return ok && m.kind == whole
}

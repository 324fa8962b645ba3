package document

import "encoding/json"

// Merge applies a JSON merge patch, RFC 7396, to a document: of objects each name that the
// patch has is merged, null takes it away, and everything else, arrays too, is replaced
// as it is. Both must be valid JSON.
func Merge(target, patch json.RawMessage) json.RawMessage {
	var changes map[string]json.RawMessage
	if json.Unmarshal(patch, &changes) != nil || changes == nil {
		return patch
	}
	var merged map[string]json.RawMessage
	if json.Unmarshal(target, &merged) != nil || merged == nil {
		merged = map[string]json.RawMessage{}
	}
	for name, value := range changes {
		if string(value) == "null" {
			delete(merged, name)
		} else {
			merged[name] = Merge(merged[name], value)
		}
	}
	text, err := json.Marshal(merged)
	if err != nil {
		return patch // not JSON; whoever reads it says so
	}
	return text
}

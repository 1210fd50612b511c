package chunk

import "rollcall/store"

// LevelChunks is how many chunks of a level become one of the next.
const LevelChunks = 8

// Merged is the content of a chunk made of others; nil Data for nothing.
type Merged struct{ Data, Masks []byte }

// Merge merges the chunks of one key, oldest first; those of state by the given function.
func Merge(list []Chunk, state store.MergeState) (m Merged, err error) {
	switch key := list[0].Key; key.Kind {
	case KindCells:
		b, err := mergeCells(list)
		if err == nil && b.Len() > 0 {
			m.Data = b.Encode(nil)
		}
		return m, err
	case KindSets:
		return mergeSets(list)
	default:
		parts := make([][]byte, len(list))
		for i := range list {
			parts[i] = list[i].Data
		}
		if m.Data, err = state(key.state(), parts); m.Data == nil {
			m.Data = []byte{}
		}
		return m, err
	}
}

func mergeSets(list []Chunk) (m Merged, err error) {
	packed, err := openSets(list)
	if err != nil {
		return m, err
	}
	sets, err := packed.Sets()
	if err == nil && sets.Len() > 0 {
		m.Data, m.Masks = sets.Encode()
	}
	return m, err
}

package mail

import (
	"strings"

	"golang.org/x/net/html"
)

// The bounds of HTMLText.
const (
	maxHTML  = 4 << 20 // octets that are read
	maxLinks = 2000
)

// Link is one link of an HTML text.
type Link struct {
	Href string // as written, entities decoded
	Text string // what is shown for it
	At   int    // where in the visible text it stands, in octets
}

// HTMLText is what a reader of the HTML sees as text, one line per block, and
// where its links and forms lead. Images, styles and scripts are left out: a
// mail's images are mostly somebody else's. Text that styles hide is not told
// from text that is seen.
func HTMLText(src string) (text string, links []Link) {
	if len(src) > maxHTML {
		src = src[:maxHTML]
	}
	z := html.NewTokenizer(strings.NewReader(src))
	z.SetMaxBuf(maxHTML)
	var b strings.Builder
	b.Grow(len(src) / 2)
	open := -1 // the link whose text is being read
	skip := "" // the element whose content is not text
	base := ""
	closeLink := func() {
		if open >= 0 {
			links[open].Text = strings.TrimSpace(b.String()[links[open].At:])
			open = -1
		}
	}
	for {
		switch z.Next() {
		case html.ErrorToken:
			closeLink()
			return b.String(), links
		case html.TextToken:
			if skip == "" {
				writeText(&b, z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			switch tag := string(name); tag {
			case "script", "style", "title", "noscript", "template":
				if skip == "" {
					skip = tag
				}
			case "a", "area", "form", "base", "link":
				href := ""
				for more {
					var key, val []byte
					key, val, more = z.TagAttr()
					if k := string(key); href == "" && (k == "href" && tag != "form" || k == "action" && tag == "form") {
						href = strings.TrimSpace(string(val))
					}
				}
				switch {
				case tag == "link" || href == "":
				case tag == "base":
					base = href
				default:
					if base != "" && !strings.Contains(href, ":") {
						href = strings.TrimRight(base, "/") + "/" + strings.TrimLeft(href, "/")
					}
					closeLink()
					if len(links) < maxLinks {
						links = append(links, Link{Href: href, At: b.Len()})
						if tag == "a" {
							open = len(links) - 1
						}
					}
				}
			case "td", "th":
				b.WriteByte(' ')
			case "blockquote":
				newLine(&b)
			default:
				if blockTags[tag] {
					newLine(&b)
				}
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			tag := string(name)
			switch {
			case tag == skip:
				skip = ""
			case tag == "a":
				closeLink()
			case blockTags[tag]:
				newLine(&b)
			}
		}
	}
}

var blockTags = map[string]bool{"br": true, "p": true, "div": true, "tr": true, "li": true, "ul": true, "ol": true, "table": true, "h1": true, "h2": true,
	"h3": true, "h4": true, "h5": true, "h6": true, "hr": true, "pre": true, "section": true, "header": true, "footer": true, "center": true, "dd": true, "dt": true, "body": true, "head": true}

func newLine(b *strings.Builder) {
	if s := b.String(); len(s) > 0 && s[len(s)-1] != '\n' {
		b.WriteByte('\n')
	}
}

// writeText writes text with its runs of white space as one space.
func writeText(b *strings.Builder, t []byte) {
	s := b.String()
	space := len(s) == 0 || s[len(s)-1] == '\n' || s[len(s)-1] == ' '
	for i := 0; i < len(t); i++ {
		c := t[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			if !space {
				b.WriteByte(' ')
				space = true
			}
		case c == 0:
		default:
			b.WriteByte(c)
			space = false
		}
	}
}

package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"bailiwick/clock"
	"bailiwick/problem"
)

// Blobs are raw bytes kept under the SHA-256 of the plain bytes. Each is
// sealed with a key of its own (AES-256-GCM); the keys are in a table apart,
// so that erasing a key erases every copy of the blob, in files and in
// backups of files. Small blobs are in the database, in the transaction that
// names them; large ones are in files that are synced, with their folder,
// before any row names them.

// MaxBlob is the largest blob, in octets.
const MaxBlob = 64 << 20

// Grace is how long a blob is kept after the last reference to it went.
const Grace = 24 * time.Hour

// OwnerCase is the kind of owner of what was captured for a case; its id is
// the case's. Reports and notices refer to their blobs by themselves.
const OwnerCase = "case"

// NewBlob is a blob to be stored. SHA, if not empty, is the caller's SHA-256
// (hex) of Data and is checked.
type NewBlob struct {
	Media string
	Data  []byte
	SHA   string
}

// BlobInfo is what is known of a blob without its bytes.
type BlobInfo struct {
	SHA    string
	Size   int64 // octets, plain
	Media  string
	Stored time.Time
	Erased time.Time // zero while the bytes can be read
	Barred bool      // these bytes are never kept again
	File   string    // name under the blob folder; "" when in the database
}

const (
	insertBlob = `INSERT INTO blobs (sha, size, media, stored, orphaned, file, data) VALUES ($1, $2, $3, $4, $4, $5, $6) ON CONFLICT (sha) DO NOTHING RETURNING id`
	insertKey  = `INSERT INTO blob_keys (blob_id, key) VALUES ($1, $2)`
	knownBlob  = `SELECT id, erased IS NOT NULL, barred FROM blobs WHERE sha = $1`

	insertBlobs = `INSERT INTO blobs (sha, size, media, stored, orphaned, data)
SELECT sha, size, media, $4::bigint, $4::bigint, data FROM unnest($1::bytea[], $2::bigint[], $3::text[], $5::bytea[]) AS t (sha, size, media, data)
ON CONFLICT (sha) DO NOTHING RETURNING id, sha`
	insertKeys = `INSERT INTO blob_keys (blob_id, key) SELECT * FROM unnest($1::bigint[], $2::bytea[])`
)

// seal encrypts data with a fresh key. A key seals one message only, so the
// nonce can be fixed. The hash of the plain bytes is bound in.
func seal(data, sha []byte) (key, sealed []byte, err error) {
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, nil, err
	}
	g, err := gcm(key)
	if err != nil {
		return nil, nil, err
	}
	return key, g.Seal(make([]byte, 0, len(data)+g.Overhead()), make([]byte, g.NonceSize()), data, sha), nil
}

func unseal(key, sealed, sha []byte) ([]byte, error) {
	g, err := gcm(key)
	if err != nil {
		return nil, err
	}
	data, err := g.Open(nil, make([]byte, g.NonceSize()), sealed, sha)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); string(sum[:]) != string(sha) {
		return nil, errors.New("the plain bytes have another hash")
	}
	return data, nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

// check hashes a blob and holds it against its bounds and the caller's hash.
func (b NewBlob) check() (sha []byte, err error) {
	if len(b.Data) > MaxBlob {
		return nil, problem.New(problem.TooLarge, "a blob is over %d octets", MaxBlob)
	}
	sum := sha256.Sum256(b.Data)
	if b.SHA != "" && b.SHA != hex.EncodeToString(sum[:]) {
		return nil, problem.New(problem.Corrupt, "a blob does not have the hash %s that it came with", b.SHA)
	}
	return sum[:], nil
}

// PutBlob stores a blob in the database and gives its SHA-256 in hex. It is
// there when the transaction commits. Bytes that are stored already are not
// stored again; bytes that were barred are Refused.
func (tx *Tx) PutBlob(ctx context.Context, media string, data []byte) (sha string, err error) {
	b := NewBlob{Media: media, Data: data}
	sum, err := b.check()
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sum), tx.putBlob(ctx, sum, clean(media), data, "", nil)
}

// PutBlobs stores blobs in the database, as PutBlob does, fast.
func (tx *Tx) PutBlobs(ctx context.Context, blobs []NewBlob) error {
	if tx.s.engine == PostgreSQL && len(blobs) > 1 {
		return tx.putBlobs(ctx, blobs)
	}
	for _, b := range blobs {
		sum, err := b.check()
		if err != nil {
			return err
		}
		if err := tx.putBlob(ctx, sum, clean(b.Media), b.Data, "", nil); err != nil {
			return err
		}
	}
	return nil
}

// putBlob writes the row of a blob, which is in file if file is not "" (and
// was sealed with key), else in data.
func (tx *Tx) putBlob(ctx context.Context, sha []byte, media string, data []byte, file string, key []byte) error {
	var err error
	sealed, name := data, sql.NullString{String: file, Valid: file != ""}
	size := int64(len(data))
	if file != "" {
		sealed = nil
	} else if key, sealed, err = seal(data, sha); err != nil {
		return err
	}
	now := instant(tx.s.clock.Now())
	var id int64
	err = tx.row(ctx, insertBlob, sha, size, media, now, name, sealed).Scan(&id)
	if err == nil {
		_, err = tx.exec(ctx, insertKey, id, key)
		return err
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return tx.s.wrap(err, "write a blob")
	}
	return tx.again(ctx, sha, func(id int64) error {
		if _, err := tx.exec(ctx, "UPDATE blobs SET size = $1, media = $2, stored = $3, orphaned = $3, erased = NULL, file = $4, data = $5 WHERE id = $6",
			size, media, now, name, sealed, id); err != nil {
			return err
		}
		_, err := tx.exec(ctx, insertKey, id, key)
		return err
	}, file)
}

// again is for bytes that have a row. If they can be read, the row stays as it
// is, with a new day of grace, and file, if any, is not needed; if they were
// erased, revive stores them anew. Touching the row in both cases is what
// keeps a sweep that runs beside it from erasing what was just asked for.
func (tx *Tx) again(ctx context.Context, sha []byte, revive func(id int64) error, file string) error {
	for {
		var id, barred int64
		var erased bool
		if err := tx.row(ctx, knownBlob, sha).Scan(&id, &erased, &barred); err != nil {
			return tx.s.wrap(err, "read a blob")
		}
		switch {
		case barred == 1:
			return problem.New(problem.Refused, "these bytes must not be kept")
		case erased:
			return revive(id)
		}
		n, err := tx.exec(ctx, "UPDATE blobs SET orphaned = $1 WHERE id = $2 AND erased IS NULL", instant(tx.s.clock.Now()), id)
		if err != nil {
			return err
		}
		if n == 1 {
			if file != "" {
				tx.removed = append(tx.removed, file)
			}
			return nil
		} // erased, or removed, since it was read: read it again
	}
}

// putBlobs stores many at once on PostgreSQL, where each statement is a round
// trip.
func (tx *Tx) putBlobs(ctx context.Context, blobs []NewBlob) error {
	var shas, sealed, keys [][]byte
	var sizes []int64
	var media []string
	first := map[string]NewBlob{}
	key := map[string][]byte{}
	for _, b := range blobs {
		sum, err := b.check()
		if err != nil {
			return err
		}
		if _, twice := first[string(sum)]; twice {
			continue
		}
		k, s, err := seal(b.Data, sum)
		if err != nil {
			return err
		}
		first[string(sum)], key[string(sum)] = b, k
		shas, sealed, sizes, media = append(shas, sum), append(sealed, s), append(sizes, int64(len(b.Data))), append(media, clean(b.Media))
	}
	type made struct {
		id  int64
		sha []byte
	}
	rows, err := list(ctx, tx, func(r scanner) (made, error) {
		var m made
		err := r.Scan(&m.id, &m.sha)
		return m, err
	}, insertBlobs, shas, sizes, media, instant(tx.s.clock.Now()), sealed)
	if err != nil {
		return err
	}
	ids := make([]int64, len(rows))
	for i, m := range rows {
		ids[i] = m.id
		keys = append(keys, key[string(m.sha)])
		delete(key, string(m.sha))
	}
	if len(ids) > 0 {
		if _, err := tx.exec(ctx, insertKeys, ids, keys); err != nil {
			return err
		}
	}
	for _, sha := range shas { // those that were there
		if _, left := key[string(sha)]; left {
			b := first[string(sha)]
			if err := tx.putBlob(ctx, sha, clean(b.Media), b.Data, "", nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// PutBlob stores a blob in a transaction of its own and gives its SHA-256 in
// hex: in the database up to the inline limit, else in a file. When it
// returns, the blob is durable and a row may name it. It is kept for 23 hours
// at least without being referred to (see RefBlobs).
func (s *Store) PutBlob(ctx context.Context, media string, data []byte) (sha string, err error) {
	b := NewBlob{Media: media, Data: data}
	sum, err := b.check()
	if err != nil {
		return "", err
	}
	sha = hex.EncodeToString(sum)
	if known, err := s.lately(ctx, sum); err != nil || known {
		return sha, err
	}
	if s.opts.BlobDir == "" || len(data) <= s.opts.InlineLimit {
		return sha, s.Update(ctx, func(tx *Tx) error { return tx.putBlob(ctx, sum, clean(media), data, "", nil) })
	}
	if info, err := s.BlobInfo(ctx, sha); err == nil && info.Erased.IsZero() {
		// There already: give it its grace, without writing a file.
		known := false
		err := s.Update(ctx, func(tx *Tx) error {
			known = true
			return tx.again(ctx, sum, func(int64) error { known = false; return nil }, "")
		})
		if known && problem.CodeOf(err) != problem.NotFound {
			return sha, err
		}
	} else if err == nil && info.Barred {
		return "", problem.New(problem.Refused, "these bytes must not be kept")
	}
	key, sealed, err := seal(data, sum)
	if err != nil {
		return "", err
	}
	file, err := s.writeFile(sha, sealed)
	if err != nil {
		return "", err
	}
	if err := s.step("row", file); err != nil {
		return "", err
	}
	err = s.Update(ctx, func(tx *Tx) error { return tx.putBlob(ctx, sum, clean(media), data, file, key) })
	// After a failure the file stays: the commit may have happened although
	// its answer was lost. If it did not, the sweep finds a file without a row.
	return sha, err
}

// lately says whether the same bytes were asked to be kept within the hour, so
// that nothing has to be written: pages and answers often come back unchanged.
func (s *Store) lately(ctx context.Context, sha []byte) (known bool, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		err := tx.row(ctx, "SELECT TRUE FROM blobs WHERE sha = $1 AND erased IS NULL AND orphaned > $2", sha, instant(s.clock.Now().Add(-time.Hour))).Scan(&known)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return tx.s.wrap(err, "read a blob")
	})
	return known, err
}

// step tells the trace of a step towards a durable file.
func (s *Store) step(name, file string) error {
	if s.trace == nil {
		return nil
	}
	return s.trace(name, file)
}

// writeFile writes a file under a name that is used once, and syncs it and the
// folders it is in.
func (s *Store) writeFile(sha string, sealed []byte) (name string, err error) {
	var tag [8]byte
	if _, err := rand.Read(tag[:]); err != nil {
		return "", err
	}
	name = sha[:2] + "/" + sha + "." + hex.EncodeToString(tag[:])
	path := s.filePath(name)
	dir := filepath.Dir(path)
	fail := func(err error) (string, error) {
		return "", problem.Wrap(err, problem.Unavailable, "a blob cannot be written to its folder")
	}
	if err := os.Mkdir(dir, 0o700); err == nil {
		if err := s.syncDir(s.opts.BlobDir, ""); err != nil {
			return fail(err)
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return fail(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = f.Close() }() // closed below; again does nothing
	if _, err := f.Write(sealed); err != nil {
		return fail(err)
	}
	// The sweep tells a file's age by the same clock as everything else.
	now := s.clock.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		return fail(err)
	}
	if err := s.step("written", name); err != nil {
		return "", err
	}
	if err := s.synced(f, "synced", name); err != nil {
		return fail(err)
	}
	if err := f.Close(); err != nil {
		return fail(err)
	}
	if err := s.syncDir(dir, name); err != nil {
		return fail(err)
	}
	return name, nil
}

// synced syncs a file or a folder and says so.
func (s *Store) synced(f *os.File, step, name string) error {
	if err := f.Sync(); err != nil {
		return err
	}
	return s.step(step, name)
}

func (s *Store) syncDir(dir, name string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(s.synced(d, "folder synced", name), d.Close())
}

func (s *Store) filePath(name string) string {
	return filepath.Join(s.opts.BlobDir, filepath.FromSlash(name))
}

// openBlobDir makes the folder of blobs, durably.
func (s *Store) openBlobDir() error {
	if s.opts.BlobDir == "" {
		return nil
	}
	if err := os.MkdirAll(s.opts.BlobDir, 0o700); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the folder of blobs cannot be made")
	}
	if err := s.syncDir(filepath.Dir(filepath.Clean(s.opts.BlobDir)), ""); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the folder of blobs cannot be synced")
	}
	return nil
}

// unlink removes files that no row names any more; what cannot be removed is
// left for the sweep.
func (s *Store) unlink(names []string) {
	for _, n := range names {
		if err := os.Remove(s.filePath(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("a blob's file cannot be removed", "file", n, "err", err)
		}
	}
}

const selectBlob = "SELECT sha, size, media, stored, erased, barred, file FROM blobs WHERE sha = $1"

// BlobInfo says what is known of a blob.
func (s *Store) BlobInfo(ctx context.Context, sha string) (info BlobInfo, err error) {
	err = s.View(ctx, func(tx *Tx) error { info, err = tx.BlobInfo(ctx, sha); return err })
	return info, err
}

// BlobInfo says what is known of a blob.
func (tx *Tx) BlobInfo(ctx context.Context, sha string) (BlobInfo, error) {
	sum, err := digest("blob", sha)
	if err != nil {
		return BlobInfo{}, err
	}
	i := BlobInfo{SHA: sha}
	var stored, barred int64
	var erased sql.NullInt64
	var file sql.NullString
	err = tx.row(ctx, selectBlob, sum).Scan(&sum, &i.Size, &i.Media, &stored, &erased, &barred, &file)
	if errors.Is(err, sql.ErrNoRows) {
		return i, problem.New(problem.NotFound, "there is no blob %s", sha)
	}
	i.Stored, i.Erased, i.Barred, i.File = time.UnixMicro(stored).UTC(), fromMicros(erased), barred == 1, file.String
	return i, tx.s.wrap(err, "read a blob")
}

// Blob reads a blob and checks it against its hash. One that was erased is
// NotFound.
func (s *Store) Blob(ctx context.Context, sha string) (data []byte, media string, err error) {
	var b sealedBlob
	err = s.View(ctx, func(tx *Tx) (err error) { b, err = tx.sealedBlob(ctx, sha); return err })
	if err != nil {
		return nil, "", err
	}
	data, err = s.open(b, func() error { _, _, err := s.gone(ctx, sha); return err })
	return data, b.media, err
}

// Blob is Store.Blob within the transaction: whoever has one must not wait for
// another connection, which may be held by those that wait for theirs.
func (tx *Tx) Blob(ctx context.Context, sha string) (data []byte, media string, err error) {
	b, err := tx.sealedBlob(ctx, sha)
	if err != nil {
		return nil, "", err
	}
	data, err = tx.s.open(b, func() error {
		i, err := tx.BlobInfo(ctx, sha)
		if err == nil && !i.Erased.IsZero() {
			err = problem.New(problem.NotFound, "the blob %s was erased", sha)
		}
		return err
	})
	return data, b.media, err
}

// sealedBlob is a blob as it is stored: its octets are in data, or else in a file.
type sealedBlob struct {
	sha, media     string
	sum, key, data []byte
	file           sql.NullString
}

func (tx *Tx) sealedBlob(ctx context.Context, sha string) (sealedBlob, error) {
	b := sealedBlob{sha: sha}
	var err error
	if b.sum, err = digest("blob", sha); err != nil || b.sum == nil {
		return b, errors.Join(err, problem.New(problem.NotFound, "there is no blob %q", sha))
	}
	err = tx.row(ctx, `SELECT b.media, b.file, b.data, k.key FROM blobs b LEFT JOIN blob_keys k ON k.blob_id = b.id WHERE b.sha = $1`, b.sum).
		Scan(&b.media, &b.file, &b.data, &b.key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return b, problem.New(problem.NotFound, "there is no blob %s", sha)
	case err != nil:
		return b, tx.s.wrap(err, "read a blob")
	case b.key == nil:
		return b, problem.New(problem.NotFound, "the blob %s was erased", sha)
	}
	return b, nil
}

// open reads the octets of a blob. Where its file is not there, gone says why, or
// nil where it should be.
func (s *Store) open(b sealedBlob, gone func() error) ([]byte, error) {
	if b.file.Valid {
		var err error
		if b.data, err = os.ReadFile(s.filePath(b.file.String)); err != nil {
			if again := gone(); again != nil {
				return nil, again
			}
			return nil, problem.Wrap(err, problem.Corrupt, "the file of blob %s cannot be read", b.sha)
		}
	}
	data, err := unseal(b.key, b.data, b.sum)
	if err != nil {
		return nil, problem.Wrap(err, problem.Corrupt, "the blob %s fails its check", b.sha)
	}
	return data, nil
}

// gone tells a file that was erased between the reading of its row and of
// itself from one that is missing.
func (s *Store) gone(ctx context.Context, sha string) (BlobInfo, bool, error) {
	i, err := s.BlobInfo(ctx, sha)
	if err == nil && !i.Erased.IsZero() {
		err = problem.New(problem.NotFound, "the blob %s was erased", sha)
	}
	return i, err == nil, err
}

// RefBlob notes that an owner needs a blob, such as a case what was captured
// for it (OwnerCase). What nobody needs is removed after a day.
func (tx *Tx) RefBlob(ctx context.Context, sha, ownerKind, ownerID string) error {
	return tx.RefBlobs(ctx, []string{sha}, ownerKind, ownerID)
}

// RefBlobs is RefBlob for several blobs at once.
func (tx *Tx) RefBlobs(ctx context.Context, shas []string, ownerKind, ownerID string) error {
	now := instant(tx.s.clock.Now())
	for chunk := range slices.Chunk(shas, 100) {
		args := make([]any, 0, 4*len(chunk))
		for _, sha := range chunk {
			sum, err := digest("blob", sha)
			if err != nil {
				return err
			}
			args = append(args, sum, clean(ownerKind), clean(ownerID), now)
		}
		if _, err := tx.exec(ctx, "INSERT INTO blob_refs (sha, owner_kind, owner_id, added) VALUES "+values(len(chunk), 4)+" ON CONFLICT DO NOTHING", args...); err != nil {
			return err
		}
	}
	return nil
}

// UnrefBlob takes back what RefBlob noted. The blob keeps a day of grace.
func (tx *Tx) UnrefBlob(ctx context.Context, sha, ownerKind, ownerID string) error {
	sum, err := digest("blob", sha)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, "DELETE FROM blob_refs WHERE sha = $1 AND owner_kind = $2 AND owner_id = $3", sum, clean(ownerKind), clean(ownerID))
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.exec(ctx, "UPDATE blobs SET orphaned = $1 WHERE sha = $2 AND erased IS NULL", instant(tx.s.clock.Now()), sum)
	return err
}

// EraseBlob erases a blob's key, and with it every copy. A tombstone stays, so
// that what refers to it still says what it was. If the same bytes arrive
// again they are stored anew.
func (s *Store) EraseBlob(ctx context.Context, sha string) error { return s.erase(ctx, sha, false) }

// BarBlob erases a blob and sees to it that the same bytes are never stored
// again, whether they have been before or not: for content that is never kept.
func (s *Store) BarBlob(ctx context.Context, sha string) error { return s.erase(ctx, sha, true) }

func (s *Store) erase(ctx context.Context, sha string, bar bool) error {
	sum, err := digest("blob", sha)
	if err != nil {
		return err
	}
	if sum == nil {
		return problem.BadField("blob", "is missing")
	}
	err = s.Update(ctx, func(tx *Tx) error {
		now := instant(s.clock.Now())
		if bar {
			if _, err := tx.exec(ctx, "INSERT INTO blobs (sha, size, media, stored, erased) VALUES ($1, 0, '', $2, $2) ON CONFLICT (sha) DO NOTHING", sum, now); err != nil {
				return err
			}
			if _, err := tx.exec(ctx, "UPDATE blobs SET barred = 1 WHERE sha = $1", sum); err != nil {
				return err
			}
		}
		var id int64
		var file sql.NullString
		err := tx.row(ctx, "SELECT id, file FROM blobs WHERE sha = $1", sum).Scan(&id, &file)
		if errors.Is(err, sql.ErrNoRows) {
			return problem.New(problem.NotFound, "there is no blob %s", sha)
		}
		if err != nil {
			return tx.s.wrap(err, "read a blob")
		}
		_, err = tx.eraseBlob(ctx, id, file, now, math.MaxInt64)
		return err
	})
	if err == nil {
		s.scour(ctx)
	}
	return err
}

// eraseBlob erases one blob, unless it was asked for after wanted; its file
// goes after the commit.
func (tx *Tx) eraseBlob(ctx context.Context, id int64, file sql.NullString, now, wanted int64) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE blobs SET erased = coalesce(erased, $1), orphaned = NULL, file = NULL, data = NULL
WHERE id = $2 AND (orphaned IS NULL OR orphaned <= $3)`, now, id, wanted)
	if err != nil || n == 0 {
		return false, err
	}
	if _, err := tx.exec(ctx, "DELETE FROM blob_keys WHERE blob_id = $1", id); err != nil {
		return false, err
	}
	if file.Valid {
		tx.removed = append(tx.removed, file.String)
	}
	return true, nil
}

// scour takes erased keys and payloads out of what the engine keeps behind:
// SQLite's log, PostgreSQL's dead rows. It is a best effort: a reader that is
// under way can hold it off until the next time.
func (s *Store) scour(ctx context.Context) {
	query := "VACUUM blob_keys, payloads, disclosure_payloads, inaccuracy_payloads, verification_payloads, verification_codes, survey_names"
	if s.engine == SQLite {
		query = "PRAGMA wal_checkpoint(TRUNCATE)"
	}
	if _, err := s.w.ExecContext(ctx, query); err != nil {
		s.log.Warn("erased rows may linger until the next sweep", "err", err)
	}
}

// BlobSweep counts what SweepBlobs did.
type BlobSweep struct {
	Removed int // blobs that nothing referred to for a day
	Orphans int // files without a row, older than a day
}

const referred = `(EXISTS (SELECT 1 FROM reports r WHERE r.blob = b.sha) OR EXISTS (SELECT 1 FROM notices n WHERE n.blob = b.sha) OR EXISTS (SELECT 1 FROM mails m WHERE m.blob = b.sha) OR EXISTS (SELECT 1 FROM blob_refs f WHERE f.sha = b.sha))`

type oldBlob struct {
	id       int64
	file     sql.NullString
	referred bool
}

func scanOldBlob(r scanner) (oldBlob, error) {
	var b oldBlob
	err := r.Scan(&b.id, &b.file, &b.referred)
	return b, err
}

// sweepChunk is how much a sweep does in one transaction, so that others get
// their turn at the one writer.
const sweepChunk = 200

// SweepBlobs removes blobs that nothing has referred to for a day, and files
// without a row that are older than a day. The check is in the transaction
// that removes, and the file goes after its commit, so no row ever names a
// file that is not there.
func (s *Store) SweepBlobs(ctx context.Context, now time.Time) (BlobSweep, error) {
	var out BlobSweep
	cut := now.Add(-Grace)
	for after := int64(0); ; {
		var n, removed int
		var last int64
		err := s.Update(ctx, func(tx *Tx) error {
			removed, last = 0, after
			old, err := list(ctx, tx, scanOldBlob, "SELECT b.id, b.file, "+referred+" FROM blobs b WHERE b.orphaned <= $1 AND b.erased IS NULL AND b.id > $2 ORDER BY b.id LIMIT $3",
				instant(cut), after, sweepChunk)
			if err != nil {
				return err
			}
			n = len(old)
			for _, b := range old {
				last = b.id
				if b.referred {
					if _, err := tx.exec(ctx, "UPDATE blobs SET orphaned = NULL WHERE id = $1", b.id); err != nil {
						return err
					}
					continue
				}
				err := tx.Savepoint(ctx, func() error {
					if _, err := tx.exec(ctx, "DELETE FROM blob_keys WHERE blob_id = $1", b.id); err != nil {
						return err
					}
					gone, err := tx.exec(ctx, "DELETE FROM blobs WHERE id = $1 AND orphaned <= $2", b.id, instant(cut))
					if err == nil && gone == 0 {
						err = problem.New(problem.Conflict, "the blob is wanted again")
					}
					return err
				})
				if problem.CodeOf(err) == problem.Conflict && err != nil && !retryable(err) {
					continue // a report was just filed that names it
				}
				if err != nil {
					return err
				}
				if b.file.Valid {
					tx.removed = append(tx.removed, b.file.String)
				}
				removed++
			}
			return nil
		})
		if err != nil {
			return out, err
		}
		out.Removed += removed
		if after = last; n < sweepChunk {
			break
		}
	}
	var err error
	out.Orphans, err = s.sweepFiles(ctx, cut)
	if out.Removed > 0 {
		s.scour(ctx)
	}
	return out, err
}

// sweepFiles removes files, last written before cut, that no row names.
func (s *Store) sweepFiles(ctx context.Context, cut time.Time) (int, error) {
	if s.opts.BlobDir == "" {
		return 0, nil
	}
	folders, err := os.ReadDir(s.opts.BlobDir)
	if err != nil {
		return 0, problem.Wrap(err, problem.Unavailable, "the folder of blobs cannot be read")
	}
	total := 0
	for _, d := range folders {
		if !d.IsDir() || len(d.Name()) != 2 {
			continue // not ours
		}
		files, err := os.ReadDir(s.filePath(d.Name()))
		if err != nil {
			return total, problem.Wrap(err, problem.Unavailable, "the folder of blobs cannot be read")
		}
		var old []string
		for _, f := range files {
			if info, err := f.Info(); err == nil && info.Mode().IsRegular() && !clock.Truncate(info.ModTime()).After(cut) {
				old = append(old, d.Name()+"/"+f.Name())
			}
		}
		for len(old) > 0 {
			n := min(len(old), sweepChunk)
			chunk := old[:n]
			old = old[n:]
			var orphans int
			if err := s.Update(ctx, func(tx *Tx) error {
				tx.removed, orphans = nil, 0
				named, err := list(ctx, tx, scanString, "SELECT file FROM blobs WHERE file IN ("+in(1, n)+")", anys(chunk)...)
				if err != nil {
					return err
				}
				has := map[string]bool{}
				for _, f := range named {
					has[f] = true
				}
				for _, f := range chunk {
					if !has[f] {
						tx.removed = append(tx.removed, f)
						orphans++
					}
				}
				return nil
			}); err != nil {
				return total, err
			}
			total += orphans
		}
	}
	return total, nil
}

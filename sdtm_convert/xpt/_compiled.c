/* The inner loops of transport files (TS-140): columns to observations and back.
 *
 * What is here is done in numpy as well (ibm.py, fields.py), to the same bytes; compiled it is some times faster and lets other threads
 * run. It is built where a C compiler is at hand when the package is installed, and needs nothing but Python's stable interface.
 *
 * All data come and go in buffers that the caller owns and that nobody else may change meanwhile. Every position, width and offset is
 * checked before a byte is read or written: what does not fit is a ValueError. Bytes are only ever moved within the buffers given, which must
 * not hold Python objects. What is read may begin at any address; what is written, if it has items of 8 bytes, at a multiple of 8.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define TILE (1 << 17) /* bytes of observations that all columns pass before the next: few enough for the processor's nearest caches */
#define STEP 16        /* bytes that are copied at once */
#define BLANKS UINT64_C(0x2020202020202020)
#define MISSING (UINT64_C(0x2E) << 56)
#define FRACTION ((UINT64_C(1) << 56) - 1)

static uint8_t first_bytes[STEP + 1][STEP]; /* masks of the first 0 to STEP bytes */
static double factors[256];                 /* by first byte of an IBM double: what its fraction, as an integer, is multiplied by */

typedef struct {
    Py_ssize_t position, width, start;
    Py_buffer data, more, codes; /* `obj` is NULL where there is none */
} Field;

/* --- Buffers ------------------------------------------------------------------------------------------------------ */

static int refuse(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return -1;
}

static int get(PyObject *from, Py_buffer *into, Py_ssize_t size, int flags)
{
    if (from == Py_None)
        return 0;
    if (PyObject_GetBuffer(from, into, PyBUF_C_CONTIGUOUS | flags) < 0)
        return -1;
    if (size == 1)
        return 0;
    if (into->itemsize != size)
        return refuse("a buffer has items of another size than 8 bytes");
    if (flags & PyBUF_WRITABLE && (uintptr_t)into->buf % (uintptr_t)size)
        return refuse("a buffer to be written begins at an odd address");
    return 0;
}

/* Whether two buffers have bytes in common. */
static int overlap(const Py_buffer *one, const Py_buffer *other)
{
    const uintptr_t begin = (uintptr_t)one->buf, other_begin = (uintptr_t)other->buf;
    return one->len && other->len && begin < other_begin + (uintptr_t)other->len && other_begin < begin + (uintptr_t)one->len;
}

static void release(Field *fields, Py_ssize_t count)
{
    for (Py_ssize_t n = 0; n < count; n++) {
        Py_buffer *all[] = {&fields[n].data, &fields[n].more, &fields[n].codes};
        for (int k = 0; k < 3; k++)
            if (all[k]->obj)
                PyBuffer_Release(all[k]);
    }
    PyMem_Free(fields);
}

static Py_ssize_t items(const Py_buffer *buffer) { return buffer->len / buffer->itemsize; }

/* 8 bytes of memory, from any address. */
static inline uint64_t load(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, 8);
    return word;
}

static inline uint64_t item(const Py_buffer *buffer, Py_ssize_t number) { return load((const uint8_t *)buffer->buf + 8 * number); }

/* The place of a field in a record of that length. */
static int placed(const Field *field, Py_ssize_t record)
{
    if (field->width < 1 || field->position < 0 || field->position > record || field->width > record - field->position)
        return refuse("a field lies outside of its record");
    return 0;
}

/* Memory for what a tuple of tuples says: tuples, as no code that runs while they are taken apart can change them. */
static Field *reserve(PyObject *tuples, Py_ssize_t *count)
{
    int fit = PyTuple_Check(tuples);
    *count = fit ? PyTuple_Size(tuples) : 0;
    for (Py_ssize_t n = 0; n < *count; n++)
        fit &= PyTuple_Check(PyTuple_GetItem(tuples, n));
    if (!fit) {
        PyErr_SetString(PyExc_TypeError, "fields must be a tuple of tuples");
        return NULL;
    }
    Field *fields = PyMem_Calloc((size_t)*count + 1, sizeof(Field));
    return fields ? fields : (Field *)PyErr_NoMemory();
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

/* A text and blanks behind it: `width` bytes, or up to `room` where that is faster. `behind` bytes of the source may be read. */
static inline void put_text(uint8_t *to, Py_ssize_t width, Py_ssize_t room, const uint8_t *from, Py_ssize_t length, Py_ssize_t behind)
{
    Py_ssize_t rounded = (width + STEP - 1) / STEP * STEP;
    if (rounded > 4 * STEP || rounded > room || rounded > behind) {
        memcpy(to, from, (size_t)length);
        memset(to + length, ' ', (size_t)(width - length));
        return;
    }
    for (Py_ssize_t at = 0; at < rounded; at += STEP) {
        Py_ssize_t here = length < at ? 0 : length - at > STEP ? STEP : length - at;
        uint64_t text[2], mask[2];
        memcpy(text, from + at, STEP);
        memcpy(mask, first_bytes[here], STEP);
        text[0] = (text[0] & mask[0]) | (BLANKS & ~mask[0]);
        text[1] = (text[1] & mask[1]) | (BLANKS & ~mask[1]);
        memcpy(to + at, text, STEP);
    }
}

/* Texts of rows `first` to `end` into records; 0, or -1 for an offset that points nowhere or a text that is too long. */
static int put_texts(const Field *field, uint8_t *records, Py_ssize_t record, Py_ssize_t first, Py_ssize_t end)
{
    const Py_buffer *offsets = &field->more, *codes = field->codes.obj ? &field->codes : NULL;
    const uint8_t *data = field->data.buf;
    const Py_ssize_t width = field->width;
    const uint64_t texts = (uint64_t)items(offsets) - 1, bytes = (uint64_t)field->data.len, begin = item(offsets, 0);
    uint8_t *to = records + field->position;
    for (Py_ssize_t row = first; row < end; row++, to += record) { /* without sign, what lies below zero is beyond all limits */
        uint64_t text = codes ? item(codes, row) : (uint64_t)row;
        if (text >= texts)
            return -1;
        uint64_t start = item(offsets, (Py_ssize_t)text) - begin, stop = item(offsets, (Py_ssize_t)text + 1) - begin;
        if (start > stop || stop > bytes || stop - start > (uint64_t)width)
            return -1;
        put_text(to, width, record - field->position, data + start, (Py_ssize_t)(stop - start), (Py_ssize_t)(bytes - start));
    }
    return 0;
}

static inline void put_big_endian(uint8_t *to, uint64_t value, Py_ssize_t width)
{
    for (Py_ssize_t at = 0; at < width; at++)
        to[at] = (uint8_t)(value >> (56 - 8 * at));
}

static void put_numbers(const Field *field, uint8_t *records, Py_ssize_t record, Py_ssize_t first, Py_ssize_t end)
{
    uint8_t *to = records + field->position;
    if (field->width == 8)
        for (Py_ssize_t row = first; row < end; row++, to += record)
            put_big_endian(to, item(&field->data, row), 8);
    else
        for (Py_ssize_t row = first; row < end; row++, to += record)
            put_big_endian(to, item(&field->data, row), field->width);
}

static int parse_columns(PyObject *tuples, Field *fields, Py_ssize_t count, const Py_buffer *records, Py_ssize_t record, Py_ssize_t rows)
{
    for (Py_ssize_t n = 0; n < count; n++) {
        Field *field = &fields[n];
        PyObject *data, *offsets, *codes;
        if (!PyArg_ParseTuple(PyTuple_GetItem(tuples, n), "nnOOO", &field->position, &field->width, &data, &offsets, &codes))
            return -1;
        if (placed(field, record) < 0)
            return -1;
        if (get(data, &field->data, offsets == Py_None ? 8 : 1, PyBUF_SIMPLE) < 0 || get(offsets, &field->more, 8, PyBUF_SIMPLE) < 0 ||
            get(codes, &field->codes, 8, PyBUF_SIMPLE) < 0)
            return -1;
        if (!field->data.obj || (field->more.obj && !items(&field->more)) || (!field->more.obj && (field->width > 8 || field->codes.obj)))
            return refuse("a field has no data, or no offsets, or numbers of more than 8 bytes or with numbers of texts");
        if (n && field->position < fields[n - 1].position + fields[n - 1].width)
            return refuse("a field begins before the end of the one before it");
        Py_ssize_t held = field->codes.obj ? items(&field->codes) : field->more.obj ? items(&field->more) - 1 : items(&field->data);
        if (held < rows)
            return refuse("a field has fewer rows than asked for");
        if (overlap(records, &field->data) || overlap(records, &field->more) || overlap(records, &field->codes))
            return refuse("a field lies in the memory of the records");
    }
    return 0;
}

PyDoc_STRVAR(fill_doc,
    "fill(records, record, first, fields)\n--\n\n"
    "Put rows of columns together as records of `record` bytes, from row `first` on, as many as `records` takes.\n\n"
    "`fields` is a tuple, ordered by position, of (position, width, numbers as native uint64, None, None), or (position, width, bytes of texts,\n"
    "int64 offsets of the texts, int64 number of each row's text or None). A text that is longer than `width` is a ValueError. Bytes between\n"
    "fields may become blank.");

static PyObject *fill(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *tuples;
    Py_buffer records;
    Py_ssize_t record, first, count;
    if (!PyArg_ParseTuple(args, "w*nnO", &records, &record, &first, &tuples))
        return NULL;
    int failed = -1;
    Field *fields = reserve(tuples, &count);
    if (fields && (record < 1 || first < 0 || records.len % record || first > PY_SSIZE_T_MAX - records.len))
        refuse("records of such a length, or from such a row on, cannot be");
    else if (fields && parse_columns(tuples, fields, count, &records, record, first + records.len / record) == 0) {
        Py_ssize_t rows = first + records.len / record, step = record < TILE ? TILE / record : 1;
        failed = 0;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t begin = first, end; begin < rows && !failed; begin = end) {
            end = rows - begin < step ? rows : begin + step;
            uint8_t *to = (uint8_t *)records.buf + (begin - first) * record;
            for (Py_ssize_t n = 0; n < count && !failed; n++)
                if (fields[n].more.obj)
                    failed = put_texts(&fields[n], to, record, begin, end);
                else
                    put_numbers(&fields[n], to, record, begin, end);
        }
        Py_END_ALLOW_THREADS
        if (failed)
            refuse("a text is longer than its field, or lies outside of its column");
    }
    if (fields)
        release(fields, count);
    PyBuffer_Release(&records);
    return failed ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(longest_doc, "longest(offsets)\n--\n\nThe bytes of the longest text of a column, from int64 offsets.");

static PyObject *longest(PyObject *Py_UNUSED(module), PyObject *from)
{
    Py_buffer offsets = {0};
    int64_t most = 0;
    int failed = get(from, &offsets, 8, PyBUF_SIMPLE);
    if (!failed && !offsets.obj)
        failed = refuse("offsets are needed");
    if (!failed) {
        const Py_ssize_t count = items(&offsets);
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t n = 1; n < count; n++) {
            int64_t length = (int64_t)(item(&offsets, n) - item(&offsets, n - 1));
            most = length > most ? length : most;
        }
        Py_END_ALLOW_THREADS
    }
    if (offsets.obj)
        PyBuffer_Release(&offsets);
    return failed ? NULL : PyLong_FromLongLong(most);
}

PyDoc_STRVAR(plain_doc, "plain(data)\n--\n\nWhether all bytes are ASCII's printable characters, the blank to the tilde.");

static PyObject *plain(PyObject *Py_UNUSED(module), PyObject *from)
{
    Py_buffer data;
    uint8_t other = 0;
    if (PyObject_GetBuffer(from, &data, PyBUF_SIMPLE) < 0)
        return NULL;
    const uint8_t *bytes = data.buf;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t at = 0; at < data.len; at++)
        other |= (uint8_t)(bytes[at] - ' ') > '~' - ' ';
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&data);
    return PyBool_FromLong(!other);
}

PyDoc_STRVAR(to_ibm_doc,
    "to_ibm(values, coded)\n--\n\n"
    "IBM doubles (native uint64) of float64 values, NaN as the missing value; whether all of them have one. If not, `coded` means nothing.");

static PyObject *to_ibm(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *from, *into;
    Py_buffer values = {0}, coded = {0};
    if (!PyArg_ParseTuple(args, "OO", &from, &into))
        return NULL;
    int fits = 1, failed = get(from, &values, 8, PyBUF_SIMPLE) < 0 || get(into, &coded, 8, PyBUF_WRITABLE) < 0;
    if (!failed && (!values.obj || !coded.obj || values.len != coded.len))
        failed = refuse("values and coded must be of one size") < 0;
    if (!failed) {
        const Py_ssize_t rows = items(&values);
        uint64_t *ibm = coded.buf;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = 0; row < rows; row++) {
            uint64_t bits = item(&values, row), fraction = bits & ((UINT64_C(1) << 52) - 1);
            int exponent = (int)(bits >> 52) & 0x7FF, power = (exponent + 1) / 4 - 191;
            if (0 <= power && power < 128)
                ibm[row] = (bits >> 63 << 63) | (uint64_t)power << 56 | (fraction | UINT64_C(1) << 52) << ((exponent + 1) & 3);
            else if (exponent == 0x7FF && fraction)
                ibm[row] = MISSING;
            else {
                ibm[row] = 0;
                fits &= !(bits << 1); /* a zero of either sign, nothing else */
            }
        }
        Py_END_ALLOW_THREADS
    }
    if (values.obj)
        PyBuffer_Release(&values);
    if (coded.obj)
        PyBuffer_Release(&coded);
    return failed ? NULL : PyBool_FromLong(fits);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

/* The number of bytes up to the last one that differs from a blank; 0 if none does. `word` is as 8 bytes of memory were loaded. */
static inline int last_of(uint64_t word)
{
    word ^= BLANKS;
#if defined(__GNUC__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return word ? 8 - __builtin_clzll(word) / 8 : 0;
#else
    uint8_t bytes[8];
    int count = 8;
    memcpy(bytes, &word, 8);
    while (count && !bytes[count - 1])
        count--;
    return count;
#endif
}

/* How many bytes a field has without the blanks at its end. `behind` bytes from its start on may be read. */
static inline Py_ssize_t trimmed(const uint8_t *cell, Py_ssize_t width, Py_ssize_t behind)
{
    for (; width >= 32; width -= 32) {
        const uint8_t *end = cell + width - 32;
        if ((load(end) ^ BLANKS) | (load(end + 8) ^ BLANKS) | (load(end + 16) ^ BLANKS) | (load(end + 24) ^ BLANKS))
            break;
    }
    for (; width >= 8; width -= 8) {
        int last = last_of(load(cell + width - 8));
        if (last)
            return width - 8 + last;
    }
    if (behind >= 8) { /* the first bytes of the field, and blanks in place of those behind it */
        uint64_t word, mask;
        memcpy(&mask, first_bytes[width], 8);
        word = (load(cell) & mask) | (BLANKS & ~mask);
        return last_of(word);
    }
    while (width && cell[width - 1] == ' ')
        width--;
    return width;
}

/* Texts of a tile, one after the other, to `size` and on in memory, their ends into `ends`. Where the texts end, or -1 for bytes that are no
 * ASCII, or NUL. */
static Py_ssize_t take_texts(const Field *field, const uint8_t *records, Py_ssize_t record, Py_ssize_t rows, Py_ssize_t behind, int64_t *ends, Py_ssize_t size)
{
    uint8_t *memory = field->data.buf;
    const uint8_t *cell = records + field->position;
    const Py_ssize_t width = field->width, begin = size, rounded = (width + STEP - 1) / STEP * STEP;
    behind -= field->position;
    for (Py_ssize_t row = 0; row < rows; row++, cell += record, behind -= record) {
        Py_ssize_t length = trimmed(cell, width, behind);
        if (rounded <= 4 * STEP && rounded <= behind && rounded <= field->data.len - size)
            for (Py_ssize_t at = 0; at < rounded; at += STEP)
                memcpy(memory + size + at, cell + at, STEP);
        else
            memcpy(memory + size, cell, (size_t)length);
        ends[row] = size += length;
    }
    uint8_t high = 0, zero = 0;
    for (Py_ssize_t at = begin; at < size; at++) {
        high |= memory[at];
        zero |= memory[at] == 0;
    }
    return high & 0x80 || zero ? -1 : size;
}

/* Numbers of a tile; 0, or -1 where one is a special missing value or has more digits than a float64. */
static int take_numbers(const Field *field, const uint8_t *records, Py_ssize_t record, Py_ssize_t rows, double *values)
{
    const uint8_t *cell = records + field->position;
    int odd = 0;
    for (Py_ssize_t row = 0; row < rows; row++, cell += record) {
        uint64_t ibm = 0;
        if (field->width == 8)
            for (int at = 0; at < 8; at++)
                ibm = ibm << 8 | cell[at];
        else
            for (Py_ssize_t at = 0; at < field->width; at++)
                ibm |= (uint64_t)cell[at] << (56 - 8 * at);
        int first = (int)(ibm >> 56);
        int64_t fraction = (int64_t)(ibm & FRACTION);
        values[row] = (double)fraction * factors[first];
        odd |= fraction & 7 && (int64_t)(double)fraction != fraction; /* 56 bits less 53 */
        if (!fraction) {
            values[row] = first == '.' ? NAN : 0.0;
            odd |= ('A' <= first && first <= 'Z') || first == '_';
        }
    }
    return odd ? -1 : 0;
}

static int parse_targets(PyObject *tuples, Field *fields, Py_ssize_t count, const Py_buffer *records, Py_ssize_t record)
{
    const Py_ssize_t rows = records->len / record;
    for (Py_ssize_t n = 0; n < count; n++) {
        Field *field = &fields[n];
        PyObject *data, *ends;
        if (!PyArg_ParseTuple(PyTuple_GetItem(tuples, n), "nnOOn", &field->position, &field->width, &data, &ends, &field->start))
            return -1;
        if (placed(field, record) < 0)
            return -1;
        if (get(data, &field->data, ends == Py_None ? 8 : 1, PyBUF_WRITABLE) < 0 || get(ends, &field->more, 8, PyBUF_WRITABLE) < 0)
            return -1;
        if (!field->data.obj || (!field->more.obj && field->width > 8))
            return refuse("a field has no memory, or numbers of more than 8 bytes");
        Py_ssize_t room = items(field->more.obj ? &field->more : &field->data);
        if (room < rows || field->start < 0 || field->start > field->data.len || (field->more.obj && rows > (field->data.len - field->start) / field->width))
            return refuse("the memory of a field is too small");
        if (overlap(records, &field->data) || overlap(records, &field->more))
            return refuse("a field lies in the memory of the records");
    }
    return 0;
}

PyDoc_STRVAR(take_doc,
    "take(records, record, fields)\n--\n\n"
    "Take records of `record` bytes apart into columns.\n\n"
    "`fields` is a tuple of (position, width, memory of float64, None, 0), or (position, width, memory for bytes of texts, int64 ends of the texts,\n"
    "where in the memory the first is to begin); ends count from the start of the memory. Returns for each field where its last text ends (0 for numbers),\n"
    "or -1 where this quick way does not serve and its memory means nothing: text with other than ASCII's characters or NUL, special missing values,\n"
    "numbers with more than 53 bits.");

static PyObject *take(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *tuples, *result = NULL;
    Py_buffer records;
    Py_ssize_t record, count;
    if (!PyArg_ParseTuple(args, "y*nO", &records, &record, &tuples))
        return NULL;
    Field *fields = reserve(tuples, &count);
    if (fields && (record < 1 || records.len % record))
        refuse("records of such a length cannot be");
    else if (fields && parse_targets(tuples, fields, count, &records, record) == 0) {
        Py_ssize_t rows = records.len / record, step = record < TILE ? TILE / record : 1;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t begin = 0, some; begin < rows; begin += some) {
            some = rows - begin < step ? rows - begin : step;
            const uint8_t *from = (const uint8_t *)records.buf + begin * record;
            for (Py_ssize_t n = 0; n < count; n++) {
                Field *field = &fields[n];
                if (field->start < 0)
                    continue;
                if (field->more.obj)
                    field->start = take_texts(field, from, record, some, records.len - begin * record, (int64_t *)field->more.buf + begin, field->start);
                else
                    field->start = take_numbers(field, from, record, some, (double *)field->data.buf + begin);
            }
        }
        Py_END_ALLOW_THREADS
        result = PyList_New(count);
        for (Py_ssize_t n = 0; result && n < count; n++) {
            PyObject *end = PyLong_FromSsize_t(fields[n].start);
            if (!end || PyList_SetItem(result, n, end) < 0)
                Py_CLEAR(result);
        }
    }
    if (fields)
        release(fields, count);
    PyBuffer_Release(&records);
    return result;
}

/* --- The module --------------------------------------------------------------------------------------------------- */

static int prepare(PyObject *Py_UNUSED(module))
{
    for (int count = 0; count <= STEP; count++)
        memset(first_bytes[count], 0xFF, (size_t)count);
    for (int first = 0; first < 256; first++)
        factors[first] = ldexp(first > 127 ? -1.0 : 1.0, 4 * ((first & 127) - 64) - 56);
    return 0;
}

static PyMethodDef functions[] = {
    {"fill", fill, METH_VARARGS, fill_doc},
    {"longest", longest, METH_O, longest_doc},
    {"plain", plain, METH_O, plain_doc},
    {"to_ibm", to_ibm, METH_VARARGS, to_ibm_doc},
    {"take", take, METH_VARARGS, take_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, prepare}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_compiled", "The inner loops of transport files; the same as numpy does it, to the byte.", 0, functions, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__compiled(void) { return PyModuleDef_Init(&definition); }

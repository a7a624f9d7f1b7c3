package webapi

// bodyNames are the classes of streams and of what bodies are made of.
var bodyNames = []string{
	"Blob", "ByteLengthQueuingStrategy", "CompressionStream", "CountQueuingStrategy", "DecompressionStream", "File",
	"FormData", "ReadableByteStreamController", "ReadableStream",
	"ReadableStreamBYOBReader", "ReadableStreamBYOBRequest", "ReadableStreamDefaultController",
	"ReadableStreamDefaultReader", "TextDecoderStream", "TextEncoderStream", "TransformStream", "TransformStreamDefaultController", "WritableStream",
	"WritableStreamDefaultController", "WritableStreamDefaultWriter",
}

// buildBody makes one of them; nil for other names.
func (r *Realm) buildBody(name string) *class {
	switch name {
	case "Blob":
		return newBlobClass(r)
	case "File":
		return newFileClass(r)
	case "FormData":
		return newFormDataClass(r)
	case "ByteLengthQueuingStrategy":
		return newByteLengthStrategyClass(r)
	case "CompressionStream":
		return newCompressionStreamClass(r)
	case "DecompressionStream":
		return newDecompressionStreamClass(r)
	case "TextDecoderStream":
		return newTextDecoderStreamClass(r)
	case "TextEncoderStream":
		return newTextEncoderStreamClass(r)
	case "CountQueuingStrategy":
		return newCountStrategyClass(r)
	case "ReadableByteStreamController":
		return newByteControllerClass(r)
	case "ReadableStream":
		return newReadableStreamClass(r)
	case "ReadableStreamAsyncIterator":
		return newStreamIteratorClass(r)
	case "ReadableStreamBYOBReader":
		return newBYOBReaderClass(r)
	case "ReadableStreamBYOBRequest":
		return newBYOBRequestClass(r)
	case "ReadableStreamDefaultController":
		return newStreamControllerClass(r)
	case "ReadableStreamDefaultReader":
		return newStreamReaderClass(r)
	case "TransformStream":
		return newTransformStreamClass(r)
	case "TransformStreamDefaultController":
		return newTransformControllerClass(r)
	case "WritableStream":
		return newWritableStreamClass(r)
	case "WritableStreamDefaultController":
		return newWriteControllerClass(r)
	case "WritableStreamDefaultWriter":
		return newStreamWriterClass(r)
	}
	return nil
}

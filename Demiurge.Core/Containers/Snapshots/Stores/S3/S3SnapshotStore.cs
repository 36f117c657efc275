using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Logging;

namespace Demiurge.Core.Containers.Snapshots.Stores.S3;

/// <summary>
/// A bucket that speaks S3. Files of more than a part are multipart uploads, which appear when they are completed; the memory of an upload
/// is one part, whatever the file's size.
/// </summary>
public sealed partial class S3SnapshotStore : ISnapshotStore, IDisposable
{
    private readonly S3Options options;
    private readonly ILogger<S3SnapshotStore> logger;
    private readonly Lazy<AmazonS3Client> client;

    public S3SnapshotStore(S3Options options, ILogger<S3SnapshotStore> logger)
    {
        this.options = options;
        this.logger = logger;
        client = new Lazy<AmazonS3Client>(Connect);
    }

    public string Kind => "s3";

    public async Task<ISnapshotFile> Create(string key, CancellationToken cancellationToken)
    {
        // Seen before anything is read from an engine, rather than after the first part.
        await Told(() => client.Value.GetBucketLocationAsync(new GetBucketLocationRequest { BucketName = options.Bucket }, cancellationToken));
        return new Upload(this, options.Prefix + key);
    }

    public async Task<Stream> Open(string key, CancellationToken cancellationToken)
    {
        try
        {
            var response = await Told(() => client.Value.GetObjectAsync(new GetObjectRequest { BucketName = options.Bucket, Key = options.Prefix + key }, cancellationToken));
            return new ObjectStream(response);
        }
        catch (IOException exception) when (exception.InnerException is AmazonS3Exception { StatusCode: System.Net.HttpStatusCode.NotFound })
        {
            throw new FileNotFoundException(exception.Message, exception);
        }
    }

    public Task Delete(string key, CancellationToken cancellationToken) =>
        Told(() => client.Value.DeleteObjectAsync(new DeleteObjectRequest { BucketName = options.Bucket, Key = options.Prefix + key }, cancellationToken));

    public async Task<int> RemoveUnfinished(CancellationToken cancellationToken)
    {
        var removed = 0;
        try
        {
            var request = new ListMultipartUploadsRequest { BucketName = options.Bucket, Prefix = options.Prefix };
            ListMultipartUploadsResponse page;
            do
            {
                page = await client.Value.ListMultipartUploadsAsync(request, cancellationToken);
                foreach (var upload in page.MultipartUploads ?? [])
                {
                    await client.Value.AbortMultipartUploadAsync(options.Bucket, upload.Key, upload.UploadId, cancellationToken);
                    removed++;
                }
                (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
            }
            while (page.IsTruncated == true);
        }
        catch (AmazonS3Exception exception)
        {
            // Not every server lists them. The bucket's own rule for unfinished uploads sees to them then.
            Log.UnfinishedStay(logger, exception.Message);
        }
        return removed;
    }

    public void Dispose()
    {
        if (client.IsValueCreated)
            client.Value.Dispose();
    }

    private AmazonS3Client Connect()
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.PathStyle,
            // Other servers than Amazon's know no checksums in trailers; parts carry their own MD5, and we hash the whole.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            AuthenticationRegion = options.Region,
        };
        if (options.Endpoint is { Length: > 0 } endpoint)
            config.ServiceURL = endpoint;
        else
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(options.Region);
        return options.AccessKey is { Length: > 0 } key ? new AmazonS3Client(new BasicAWSCredentials(key, options.SecretKey ?? ""), config) : new AmazonS3Client(config);
    }

    private async Task<T> Told<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception exception) when (exception is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            throw new IOException($"The snapshots' bucket {options.Bucket} refuses or doesn't answer: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The bucket doesn't list unfinished uploads: {Reason}")]
        public static partial void UnfinishedStay(ILogger logger, string reason);

        [LoggerMessage(2, LogLevel.Warning, "The unfinished upload of {Key} stays in the bucket: {Reason}")]
        public static partial void UploadStays(ILogger logger, string key, string reason);
    }

    /// <summary>Collects a part, sends it, collects the next.</summary>
    private sealed class Upload(S3SnapshotStore store, string key) : Stream, ISnapshotFile
    {
        private readonly byte[] part = new byte[store.options.PartBytes];
        private readonly List<PartETag> sent = [];
        private int filled;
        private string? uploadId;
        private bool committed;

        public Stream Content => this;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => !committed;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (buffer.Length > 0)
            {
                if (filled == part.Length)
                    await Send(cancellationToken);
                var count = Math.Min(buffer.Length, part.Length - filled);
                buffer[..count].CopyTo(part.AsMemory(filled));
                filled += count;
                buffer = buffer[count..];
            }
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Only asynchronous writes.");

        public override void Flush()
        {
            // Parts are sent when they are full.
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public async Task Commit(CancellationToken cancellationToken)
        {
            var s3 = store.client.Value;
            if (uploadId is null)
            {
                using var content = new MemoryStream(part, 0, filled, writable: false);
                await store.Told(() => s3.PutObjectAsync(
                    new PutObjectRequest { BucketName = store.options.Bucket, Key = key, InputStream = content, AutoCloseStream = false, UseChunkEncoding = false }, cancellationToken));
            }
            else
            {
                if (filled > 0)
                    await Send(cancellationToken);
                await store.Told(() => s3.CompleteMultipartUploadAsync(
                    new CompleteMultipartUploadRequest { BucketName = store.options.Bucket, Key = key, UploadId = uploadId, PartETags = sent }, cancellationToken));
            }
            committed = true;
        }

        public override async ValueTask DisposeAsync()
        {
            if (!committed && uploadId is not null)
            {
                try
                {
                    await store.client.Value.AbortMultipartUploadAsync(store.options.Bucket, key, uploadId, CancellationToken.None);
                }
                catch (Exception exception) when (exception is AmazonServiceException or AmazonClientException or HttpRequestException)
                {
                    Log.UploadStays(store.logger, key, exception.Message);
                }
            }
            GC.SuppressFinalize(this);
        }

        private async Task Send(CancellationToken cancellationToken)
        {
            var s3 = store.client.Value;
            uploadId ??= (await store.Told(() => s3.InitiateMultipartUploadAsync(
                new InitiateMultipartUploadRequest { BucketName = store.options.Bucket, Key = key }, cancellationToken))).UploadId;
            using var content = new MemoryStream(part, 0, filled, writable: false);
            var number = sent.Count + 1;
            var response = await store.Told(() => s3.UploadPartAsync(
                new UploadPartRequest
                {
                    BucketName = store.options.Bucket, Key = key, UploadId = uploadId, PartNumber = number, InputStream = content, PartSize = filled, UseChunkEncoding = false,
                },
                cancellationToken));
            sent.Add(new PartETag(number, response.ETag));
            filled = 0;
        }
    }

    /// <summary>An object's bytes; ends the request with itself.</summary>
    private sealed class ObjectStream(GetObjectResponse response) : Stream
    {
        private long read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => response.ContentLength;

        public override long Position { get => read; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Checked(response.ResponseStream.Read(buffer, offset, count), count);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Checked(await response.ResponseStream.ReadAsync(buffer, cancellationToken), buffer.Length);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                response.Dispose();
            base.Dispose(disposing);
        }

        private int Checked(int count, int wanted)
        {
            read += count;
            return count == 0 && wanted > 0 && read < response.ContentLength
                ? throw new IOException($"The bucket's answer ended after {read} of {response.ContentLength} bytes.")
                : count;
        }
    }
}

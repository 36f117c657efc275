using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Templates;

/// <summary>A template as Demiurge ships it.</summary>
/// <param name="Version">Raised with every change to <paramref name="Spec"/>: what installations upgrade by.</param>
internal sealed record ShippedTemplate(string Slug, int Version, string Name, string Description, string Icon, TemplateSpec Spec);

/// <summary>The templates that come with Demiurge. <c>images/</c> has what their images are made of.</summary>
internal sealed class ShippedTemplates(IOptions<ContainerOptions> options)
{
    /// <summary>The person's folder in our own images; a volume, so what is in it outlives the container.</summary>
    private const string Home = "/home/person";

    private static readonly string[] Writable = ["/tmp", "/run"];

    public IReadOnlyList<ShippedTemplate> All { get; } =
    [
        new("terminal", 1, "Terminal", "A Debian shell in a container of its own, shared with the project.", "terminal", Spec(
            options.Value.Images.Terminal, [], [], [Home], "/bin/bash", "small", 60) with { WorkingDirectory = Home, Width = 640, Height = 400 }),
        new("jupyterlab", 1, "JupyterLab", "Notebooks with Python. The home folder is kept.", "menu_book", Spec(
            options.Value.Images.JupyterLab,
            [new(ContainerUrls.MainService, "Notebooks", 8888, "/", new HealthCheck("/api", 1, 120), Embeddable: true)],
            [], [Home], "/bin/bash", "medium", 60)),
        new("code-server", 1, "VS Code", "An editor with a terminal in the browser. The home folder is kept.", "code", Spec(
            options.Value.Images.CodeServer,
            [new(ContainerUrls.MainService, "Editor", 8080, "/", new HealthCheck("/healthz", 1, 120), Embeddable: true)],
            [], [Home], "/bin/bash", "medium", 60)),
        new("pgadmin", 1, "pgAdmin", "Looks after PostgreSQL databases.", "database", Spec(
            options.Value.Images.PgAdmin,
            [new(ContainerUrls.MainService, "pgAdmin", 5050, "/", new HealthCheck("/misc/ping", 2, 90), Embeddable: true)],
            [
                new("email", "E-mail address", OptionKind.Text, Required: true, null, null, null, null, @"[^@\s]+@[^@\s]+\.[^@\s]+", "PGADMIN_DEFAULT_EMAIL"),
                new("password", "Password", OptionKind.Secret, Required: true, null, null, null, null, ".{6,}", "PGADMIN_DEFAULT_PASSWORD"),
            ],
            ["/var/lib/pgadmin"], null, "small", 60) with
            {
                Environment = new Dictionary<string, string> { ["PGADMIN_LISTEN_PORT"] = "5050", ["PGADMIN_DISABLE_POSTFIX"] = "1" },
                ReadOnlyRoot = false,
            }),
        new("n8n", 2, "n8n", "Workflows that connect services.", "account_tree", Spec(
            options.Value.Images.N8n,
            [new(ContainerUrls.MainService, "n8n", 5678, "/", new HealthCheck("/healthz/readiness", 2, 120), Embeddable: true)],
            [new("encryptionKey", "Encryption key", OptionKind.Secret, Required: false, null, null, null, null, ".{8,}", "N8N_ENCRYPTION_KEY")],
            [Home], "/bin/bash", "medium", 0) with
            {
                Environment = new Dictionary<string, string>
                {
                    ["N8N_EDITOR_BASE_URL"] = "{url}", ["WEBHOOK_URL"] = "{url}", ["N8N_DIAGNOSTICS_ENABLED"] = "false", ["N8N_USER_FOLDER"] = Home,
                },
            }),
        new("image", 1, "Your image", "Any image that an engine of this installation can fetch.", "deployed_code", Spec(
            "{image}",
            [new(ContainerUrls.MainService, "Service", 0, "/", null, Embeddable: true) { PortOption = "port" }],
            [
                new("image", "Image", OptionKind.Text, Required: true, null, null, null, null, TemplateRules.ImageName().ToString()[1..^2], ""),
                new("port", "Port of its web server", OptionKind.Number, Required: true, "8080", null, 1, 65535, null, "PORT"),
                new("command", "Command", OptionKind.Text, Required: false, null, null, null, null, null, ""),
                new("data", "Folder to keep", OptionKind.Text, Required: false, null, null, null, null, "/[A-Za-z0-9._/-]+", ""),
            ],
            ["{data}"], "/bin/sh", "small", 60) with
            {
                Command = ["/bin/sh", "-c", "{command}"],
                ReadOnlyRoot = false,
            }),
    ];

    private static TemplateSpec Spec(
        string image, IReadOnlyList<TemplateService> services, IReadOnlyList<TemplateOption> options, IReadOnlyList<string> volumes, string? shell,
        string tier, int idleMinutes) =>
        new(image, services, options, volumes, new Dictionary<string, string>(), shell, ReadOnlyRoot: true, Writable, User: null, WorkingDirectory: null, Command: null,
            tier, idleMinutes, Width: 720, Height: 480);
}

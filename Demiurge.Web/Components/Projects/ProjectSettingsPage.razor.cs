using Demiurge.Core;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Demiurge.Web.Components.Parts;
using Microsoft.AspNetCore.Components;
using Radzen;

namespace Demiurge.Web.Components.Projects;

/// <summary>A project's name, description, visibility and people. Those who don't manage it see only the people.</summary>
public sealed partial class ProjectSettingsPage : IDisposable
{
    [Inject]
    private ProjectService Projects { get; set; } = default!;

    [Inject]
    private MembershipService Memberships { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private AccessChanges Changes { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private NotificationService Notifications { get; set; } = default!;

    [Parameter]
    public Guid Id { get; set; }

    [PersistentState]
    public ProjectInfo? Project { get; set; }

    [PersistentState]
    public IReadOnlyList<ProjectMemberInfo>? Members { get; set; }

    /// <summary>The organization's people who were not given a role here yet.</summary>
    [PersistentState]
    public IReadOnlyList<MemberInfo>? Addable { get; set; }

    private string? Name { get; set; }

    private string? Description { get; set; }

    private ProjectVisibility Visibility { get; set; }

    private Guid? AddUserId { get; set; }

    private ProjectRole AddRole { get; set; } = ProjectRole.Edit;

    private string? ConfirmName { get; set; }

    private Error? SaveError { get; set; }

    private Error? DeleteError { get; set; }

    private bool Deleting { get; set; }

    private static ProjectRole[] Roles { get; } = Enum.GetValues<ProjectRole>();

    protected override void OnInitialized() => Changes.Changed += OnAccessChanged;

    protected override async Task OnParametersSetAsync()
    {
        if (Project?.Id != Id)
        {
            Project = null;
            await Load();
        }
        (Name, Description, Visibility) = (Project?.Name, Project?.Description, Project?.Visibility ?? default);
    }

    public void Dispose() => Changes.Changed -= OnAccessChanged;

    private async Task Load()
    {
        var actor = await Current.Get();
        Project = (await Projects.Get(actor, Id)).Value;
        if (Project is null)
        {
            Navigation.NotFound();
            return;
        }
        Members = (await Projects.Members(actor, Id)).Value ?? [];
        var organization = (await Memberships.List(actor, Project.OrganizationId)).Value ?? [];
        Addable = organization.ExceptBy(Members.Select(member => member.UserId), member => member.UserId).ToList();
    }

    private async Task Save()
    {
        var saved = await Projects.Update(await Current.Get(), Id, Name, Description ?? "", Visibility);
        SaveError = saved.Error;
        if (!saved.Succeeded)
            return;
        Notifications.Tell("Settings saved");
        await Load();
    }

    private async Task Add()
    {
        if (AddUserId is not { } userId)
            return;
        await Apply(await Projects.SetMember(await Current.Get(), Id, userId, AddRole), "Added");
        AddUserId = null;
    }

    private async Task SetRole(ProjectMemberInfo member, ProjectRole role) =>
        await Apply(await Projects.SetMember(await Current.Get(), Id, member.UserId, role), $"{member.DisplayName}: {role.ToString().ToLowerInvariant()}");

    private async Task Remove(ProjectMemberInfo member) =>
        await Apply(await Projects.RemoveMember(await Current.Get(), Id, member.UserId), $"{member.DisplayName} was removed");

    private async Task Apply(Result result, string told)
    {
        if (result.Succeeded)
            Notifications.Tell(told);
        else
            Notifications.Refuse(result.Error);
        await Load();
    }

    private async Task Delete()
    {
        Deleting = true;
        var deleted = await Projects.Delete(await Current.Get(), Id, ConfirmName);
        DeleteError = deleted.Error;
        Deleting = deleted.Succeeded;
        if (!deleted.Succeeded)
            return;
        Notifications.Tell($"{Project!.Name} was deleted");
        Navigation.NavigateTo($"/organizations/{Project.OrganizationId}");
    }

    private void OnAccessChanged(AccessChanged change)
    {
        if (!Deleting && (change.ProjectId == Id || (change.ProjectId is null && change.OrganizationId == Project?.OrganizationId)))
            _ = InvokeAsync(async () => { await Load(); StateHasChanged(); });
    }
}

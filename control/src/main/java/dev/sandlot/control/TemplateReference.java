package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A template as callers write it: {@code [namespace/]alias[:tag]} (public-api.md 3.2).
 *
 * @param namespace a team's slug, or empty when none was given
 * @param alias an alias or a template ID
 * @param tag a tag or a build's UUID; {@code default} when none was given
 */
record TemplateReference(String namespace, String alias, String tag) {
    static final String DEFAULT_TAG = "default";
    static final String NO_NAMESPACE = "";
    private static final Pattern GRAMMAR =
            Pattern.compile("(?:(?<namespace>[a-z0-9_-]+)/)?(?<alias>[a-z0-9_-]+)(?::(?<tag>[a-z0-9_.-]+))?");
    private static final Pattern TAG_GRAMMAR = Pattern.compile("[a-z0-9_.-]+");
    private static final Pattern UUID_GRAMMAR =
            Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

    static TemplateReference parse(String text) throws ApiException {
        Matcher matcher = GRAMMAR.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw new ApiException(
                    ErrorKind.INVALID,
                    "Invalid template reference: '" + text + "' is not of the form [namespace/]alias[:tag] with"
                            + " lower-case letters, digits, dashes and underscores");
        }
        return new TemplateReference(
                Optional.ofNullable(matcher.group("namespace")).orElse(NO_NAMESPACE),
                matcher.group("alias"),
                Optional.ofNullable(matcher.group("tag")).orElse(DEFAULT_TAG));
    }

    /**
     * A reference of which a namespace, where there is one, is the team's own.
     *
     * @throws ApiException {@code INVALID} when it is not
     */
    static TemplateReference inOwnNamespace(Team team, String text) throws ApiException {
        TemplateReference reference = parse(text);
        if (!reference.namespace().isEmpty() && !reference.namespace().equals(team.slug())) {
            throw new ApiException(
                    ErrorKind.INVALID,
                    "namespace '" + reference.namespace() + "' must match your team '" + team.slug() + "'");
        }
        return reference;
    }

    /**
     * A tag that may be given to a build: of the grammar, and no build's UUID.
     *
     * @throws ApiException {@code INVALID} when it is neither
     */
    static String assignableTag(String text) throws ApiException {
        String tag = text.strip().toLowerCase(Locale.ROOT);
        if (!TAG_GRAMMAR.matcher(tag).matches()) {
            throw new ApiException(
                    ErrorKind.INVALID,
                    "Invalid tag '" + text + "': only lower-case letters, digits, dashes, underscores and dots");
        }
        if (UUID_GRAMMAR.matcher(tag).matches()) {
            throw new ApiException(ErrorKind.INVALID, "Invalid tag '" + text + "': a tag cannot be a UUID");
        }
        return tag;
    }

    boolean hasTag() {
        return !tag.equals(DEFAULT_TAG);
    }

    /** The build that the tag names, when it is a UUID. */
    Optional<UUID> buildId() {
        return UUID_GRAMMAR.matcher(tag).matches() ? Optional.of(UUID.fromString(tag)) : Optional.empty();
    }

    /** The reference without its tag. */
    String name() {
        return namespace.isEmpty() ? alias : namespace + "/" + alias;
    }
}
